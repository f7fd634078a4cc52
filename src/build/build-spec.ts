import { FAILSAFE_SCHEMA, load, Type, YAMLException } from 'js-yaml'
import { z } from 'zod'

import { limits } from '../model/limits.ts'
import { customerError } from './build-failed.ts'

/** What `amplify.yml`, version 1, asks for (contract/hosting-behaviour.md §1.2). */
export interface BuildSpec {
  variables: Record<string, string>
  phases: BuildPhase[]
  artifacts: {
    /** Relative to the root of the repository; empty for the root itself. */
    baseDirectory: string
    files: string[]
    discardPaths: boolean
  }
  /** Sections with an effect on Amplify that this build does without, for the log to name. */
  skipped: string[]
  /** Keys that mean nothing, most likely mistyped, for the log to name. */
  unknownKeys: string[]
}

const phaseNames = ['preBuild', 'build', 'postBuild'] as const

export interface BuildPhase {
  name: (typeof phaseNames)[number]
  commands: string[]
}

/** Every scalar stays the text it is (`20.10`, `yes`), as what it is for decides; merge keys work. */
const mergeKey = new Type('tag:yaml.org,2002:merge', {
  kind: 'scalar',
  resolve: (key: unknown) => key === '<<',
})
const schema = FAILSAFE_SCHEMA.extend({ implicit: [mergeKey] })

const text = z.string({ error: 'must be text' })
const texts = z
  .union([text.transform((one) => [one]), z.array(text.nullable())], { error: 'must be a list of texts' })
  .nullish()
  .transform((list) => (list ?? []).filter((item) => item !== null))
const command = z.string({ error: describeCommand }).nullable()
const commands = z
  .preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z.array(command, { error: 'must be a list of commands' }).nullish(),
  )
  .transform((list) => (list ?? []).filter((item) => item !== null))
const phase = z.object({ commands }, { error: 'must be a mapping with "commands"' }).nullish()
const mapping = { error: 'must be a mapping' }

const specShape = z.object(
  {
    version: z
      .string({ error: 'is missing. Write "version: 1"' })
      .refine((version) => Number(version) === 1, {
        error: (issue) => `is ${JSON.stringify(issue.input)}, and only version 1 exists`,
      }),
    env: z.object({ variables: z.record(z.string(), text.nullable(), mapping).nullish() }, mapping).nullish(),
    frontend: z
      .object(
        {
          phases: z.object({ preBuild: phase, build: phase, postBuild: phase }, mapping).nullish(),
          artifacts: z
            .object(
              {
                baseDirectory: text.nullish(),
                files: texts,
                'discard-paths': text.nullish(),
              },
              mapping,
            )
            .nullish(),
          buildPath: text.nullish(),
          buildpath: text.nullish(),
          cache: z.unknown().optional(),
        },
        mapping,
      )
      .nullish(),
    backend: z.unknown().optional(),
    test: z.unknown().optional(),
    applications: z.unknown().optional(),
    customHeaders: z.unknown().optional(),
  },
  { error: 'must be a mapping that begins with "version: 1"' },
)

/**
 * Reads a build spec.
 * @throws {import('./build-failed.ts').BuildFailed} with the parser's words, or the path of the member that does not fit
 */
export function parseBuildSpec(source: string): BuildSpec {
  if (Buffer.byteLength(source) > limits.buildSpecBytesMax) {
    throw customerError(`Unable to parse build spec: it is longer than ${limits.buildSpecBytesMax} bytes`)
  }
  const document = readYaml(source)
  const { frontend, env, ...others } = readShape(document)
  if (others.applications !== undefined) {
    throw customerError(
      'Unable to build: this version of Preamp does not build monorepo specs with an "applications" key',
    )
  }
  if (!frontend?.artifacts) {
    throw customerError('Artifacts base directory not found in build output, please check your buildSpec')
  }
  const { artifacts, phases } = frontend
  return {
    variables: readVariables(env?.variables ?? {}),
    phases: phaseNames.map((name) => ({ name, commands: phases?.[name]?.commands ?? [] })),
    artifacts: {
      baseDirectory: insideRoot(artifacts.baseDirectory ?? ''),
      files: artifacts.files.length > 0 ? artifacts.files : ['**/*'],
      discardPaths: /^(yes|true|on|1)$/i.test(artifacts['discard-paths'] ?? ''),
    },
    skipped: skippedSections({ ...others, frontend }),
    unknownKeys: unknownKeys(document),
  }
}

function readYaml(source: string): unknown {
  try {
    return load(source, { schema })
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw customerError(`Unable to parse build spec: ${error.message}`)
  }
}

function readShape(document: unknown): z.output<typeof specShape> {
  const result = specShape.safeParse(document)
  if (result.success) return result.data
  const problems = result.error.issues.map(({ path, message }) => `${pathText(path)} ${message}`)
  throw customerError(`Unable to parse build spec: ${problems.slice(0, 5).join('; ')}`)
}

function readVariables(given: Record<string, string | null>): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value?.includes('\0')) {
      throw customerError(
        `Unable to parse build spec: ${JSON.stringify(name)} in env.variables cannot be the name of a variable, or its value has a NUL`,
      )
    }
    variables[name] = value ?? ''
  }
  return variables
}

/** `baseDirectory` as a path below the root: `/`, `./` and `.` are the root itself. */
function insideRoot(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) {
    throw customerError(
      `Unable to parse build spec: frontend.artifacts.baseDirectory leads out of the repository: ${path}`,
    )
  }
  return parts.join('/')
}

function skippedSections(spec: Partial<z.output<typeof specShape>>): string[] {
  const { frontend } = spec
  const buildPath = frontend?.buildPath ?? frontend?.buildpath
  const sections: [name: string, there: boolean][] = [
    ['backend', spec.backend !== undefined],
    ['test', spec.test !== undefined],
    ['customHeaders', spec.customHeaders !== undefined],
    ['frontend.cache', frontend?.cache !== undefined],
    ['frontend.buildPath', buildPath !== undefined && buildPath !== null && insideRoot(buildPath) !== ''],
  ]
  return sections.filter(([, there]) => there).map(([name]) => name)
}

/** The mappings whose keys are all known, by their path. */
const knownKeys: [path: string[], keys: readonly string[]][] = [
  [[], Object.keys(specShape.shape)],
  [['frontend'], ['phases', 'artifacts', 'buildPath', 'buildpath', 'cache']],
  [['frontend', 'phases'], phaseNames],
  ...phaseNames.map((name): [string[], string[]] => [['frontend', 'phases', name], ['commands']]),
  [
    ['frontend', 'artifacts'],
    ['baseDirectory', 'files', 'discard-paths'],
  ],
]

function unknownKeys(document: unknown): string[] {
  return knownKeys.flatMap(([path, keys]) => {
    const found = path.reduce<unknown>((value, key) => (isMapping(value) ? value[key] : undefined), document)
    const unknown = isMapping(found) ? Object.keys(found).filter((key) => !keys.includes(key)) : []
    return unknown.map((key) => [...path, key].join('.'))
  })
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The usual slip: `- echo note: done` is a mapping to YAML. */
function describeCommand({ input }: { input?: unknown }): string {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return 'must be text'
  return 'is a mapping, not a command: a colon followed by a space makes it one. Put the whole command in quotes'
}

function pathText(path: PropertyKey[]): string {
  if (path.length === 0) return 'the document'
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('')
}
