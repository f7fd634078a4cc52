import { JSON_SCHEMA, load, YAMLException } from 'js-yaml'
import { z } from 'zod'

import { limits } from '../model/limits.ts'
import { listOf, type PolicyDocument } from '../model/policy-document.ts'
import { isConditionKey, operatorProblem, valueProblem } from './policy-conditions.ts'

/** What is wrong with a policy document, for whoever wrote it. */
export class InvalidPolicy extends Error {}

/**
 * Checks a policy document by IAM's grammar. What is not known here (an operator, a condition key, a variable, an element
 * such as Principal) is refused, since a statement with a part that is ignored says something else.
 * @throws {InvalidPolicy} naming the place and the reason
 */
export function parsePolicyDocument(text: string): PolicyDocument {
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.policyDocumentBytesMax) {
    throw new InvalidPolicy(`It has ${bytes} bytes, and may have ${limits.policyDocumentBytesMax}.`)
  }
  const result = policyDocument.safeParse(parseJson(text))
  if (result.success) return result.data as PolicyDocument
  const { path, message } = result.error.issues[0]!
  throw new InvalidPolicy(`${path.length > 0 ? path.map(String).join('.') : 'The document'}: ${message}.`)
}

function parseJson(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text, (key, value: unknown) => {
      // zod would leave this key out without a word.
      if (key === '__proto__') throw new InvalidPolicy('No element is called __proto__.')
      return value
    })
    refuseDoubledKeys(text)
    return document
  } catch (error) {
    if (error instanceof InvalidPolicy) throw error
    throw new InvalidPolicy(`It is not JSON: ${(error as Error).message}.`)
  }
}

/** Of two keys of one name `JSON.parse` forgets the first, which may be the one that denies. To YAML, of which JSON is a part, it is an error. */
function refuseDoubledKeys(text: string): void {
  try {
    load(text, { schema: JSON_SCHEMA })
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw new InvalidPolicy(
      `It does not read as it is meant: ${error.reason} in line ${error.mark.line + 1}.`,
    )
  }
}

const literal = z
  .string('must be a text')
  .min(1, 'must not be empty')
  .refine((value) => !value.includes('${'), 'policy variables are not known here')

/** One or a list of them, stored as a list. */
const oneOrMore = <Item extends z.ZodType>(item: Item) =>
  z.preprocess(listOf, z.array(item).min(1, 'must name at least one'))

const action = literal.regex(
  /^(\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+)$/,
  'must be * or a service and an action, as amplify:GetApp or amplify:Get*',
)
const resource = literal.regex(/^(\*|arn:.+)$/s, 'must be * or an ARN')

/** JSON's own booleans and numbers are taken for the texts that they are written as. */
const conditionValue = z.preprocess(
  (value) => (typeof value === 'boolean' || typeof value === 'number' ? String(value) : value),
  literal,
)

const condition = z
  .record(z.string(), z.record(z.string(), oneOrMore(conditionValue)))
  .superRefine((conditions, context) => {
    for (const [operator, expectedByKey] of Object.entries(conditions)) {
      for (const [key, expected] of Object.entries(expectedByKey)) {
        const problem = isConditionKey(key)
          ? (operatorProblem(operator, key) ??
            expected.map((value) => valueProblem(operator, value)).find((each) => each !== undefined))
          : `the condition key ${key} is not known`
        if (problem) context.addIssue({ code: 'custom', path: [operator, key], message: problem })
      }
    }
  })

const statement = z
  .strictObject({
    Sid: z
      .string()
      .regex(/^[a-zA-Z0-9]*$/, 'must be letters and digits')
      .optional(),
    Effect: z.enum(['Allow', 'Deny'], 'must be Allow or Deny'),
    Action: oneOrMore(action).optional(),
    NotAction: oneOrMore(action).optional(),
    Resource: oneOrMore(resource).optional(),
    NotResource: oneOrMore(resource).optional(),
    Condition: condition.optional(),
  })
  .superRefine((value, context) => {
    for (const name of ['Action', 'Resource'] as const) {
      if ((value[name] === undefined) === (value[`Not${name}`] === undefined)) {
        context.addIssue({ code: 'custom', message: `must have one of ${name} and Not${name}` })
      }
    }
  })

const policyDocument = z.strictObject({
  Version: z.enum(['2012-10-17', '2008-10-17'], 'must be 2012-10-17').optional(),
  Id: z.string().optional(),
  Statement: oneOrMore(statement),
})
