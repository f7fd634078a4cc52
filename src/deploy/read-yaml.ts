import { FAILSAFE_SCHEMA, load, Type, YAMLException } from 'js-yaml'
import { z } from 'zod'

import { limits } from '../model/limits.ts'
import { RefusedContent } from './refused-content.ts'

/** Every scalar stays the text it is (`20.10`, `yes`), as what it is for decides; merge keys work. */
const mergeKey = new Type('tag:yaml.org,2002:merge', {
  kind: 'scalar',
  resolve: (key: unknown) => key === '<<',
})
const schema = FAILSAFE_SCHEMA.extend({ implicit: [mergeKey] })

/**
 * Reads a YAML file of a repository.
 * @param what as errors name it: `build spec`
 * @throws {RefusedContent} with the parser's message and the lines around the place
 */
export function readYaml(source: string, what: string): unknown {
  let document: unknown
  try {
    document = load(source, { schema })
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw new RefusedContent(`Unable to parse ${what}: ${error.message}`)
  }
  if (!isWithinSize(document)) {
    const max = limits.yamlCharactersMax
    throw new RefusedContent(
      `Unable to parse ${what}: with its aliases spelled out it is longer than ${max} characters`,
    )
  }
  return document
}

/** Aliases make a short file a document of thousands of millions of members, and whoever reads it visits them all. */
function isWithinSize(document: unknown): boolean {
  let characters = 0
  const waiting = [document]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (typeof value === 'string') characters += value.length
    else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value)) {
        characters += key.length
        if (characters > limits.yamlCharactersMax) return false
        waiting.push(member)
      }
    }
    if (characters > limits.yamlCharactersMax) return false
  }
  return true
}

/**
 * Holds a part of a YAML file against its shape.
 * @param path of the part in its file
 * @throws {RefusedContent} with the path of each member that does not fit, five at the most
 */
export function readShape<Shape extends z.ZodType>(
  shape: Shape,
  value: unknown,
  what: string,
  path: PropertyKey[] = [],
): z.output<Shape> {
  const result = shape.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map(
    (issue) => `${pathText([...path, ...issue.path])} ${issue.message}`,
  )
  throw new RefusedContent(`Unable to parse ${what}: ${problems.slice(0, 5).join('; ')}`)
}

/** `frontend.phases.build.commands[0]` */
export function pathText(path: PropertyKey[]): string {
  if (path.length === 0) return 'the document'
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('')
}

export const text = z.string({ error: 'must be text' })
export const mapping = { error: 'must be a mapping' }

/** @param error said of what is no list */
export function listOf<Item extends z.ZodType>(item: Item, itemsMax: number, error: string) {
  return z.array(item, { error }).max(itemsMax, { error: `has more than ${itemsMax} items` })
}

/** A list of texts, or one text that stands for such a list; items that hold nothing are left out. */
export function textsOf(item: z.ZodType<string | null>, itemsMax: number, error: string) {
  return z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      listOf(item, itemsMax, error).nullish(),
    )
    .transform((list) => (list ?? []).filter((one) => one !== null))
}
