import { z } from 'zod'

import { jobTypes, sourceUrlTypes } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import { javaPattern } from './java-pattern.ts'

/**
 * The shapes of AWS's model as zod schemas, named after them, with the constraints of contract/amplify-api.json.
 * test/conformance/constraints.test.ts holds the two together. Violations carry AWS's words; `validation.ts` makes the
 * answer of them.
 */

interface TextConstraints {
  /** In Unicode code points, as Smithy's `length` trait counts. */
  min?: number
  max: number
  /** As the model writes it, for Java. */
  pattern?: string
  /** The value is never repeated in an answer. */
  sensitive?: boolean
}

export function text({ min = 0, max, pattern = '(?s).*', sensitive = false }: TextConstraints) {
  const regex = javaPattern(pattern)
  return z.string().superRefine((value, context) => {
    const violate = (message: string) => context.addIssue({ code: 'custom', message, params: { sensitive } })
    const length = codePoints(value, max)
    if (length < min) violate(`Member must have length greater than or equal to ${min}`)
    else if (length > max) violate(`Member must have length less than or equal to ${max}`)
    // A pattern sees no text beyond the length, so that none can be made to run for long.
    else if (!regex.test(value)) violate(`Member must satisfy regular expression pattern: ${pattern}`)
    // PostgreSQL stores neither; SQLite would change the second.
    if (value.includes('\0') || !value.isWellFormed()) violate('Member must be Unicode text without NUL')
  })
}

/** Counts code points, and stops counting where the answer no longer matters. */
function codePoints(value: string, enough: number): number {
  return value.length > 2 * enough ? value.length : Array.from(value).length
}

interface ItemConstraints {
  min?: number
  max?: number
}

export function list<Item extends z.ZodType>(item: Item, { min = 0, max = Infinity }: ItemConstraints = {}) {
  return z.array(item).superRefine((items, context) => {
    violateLength(context, items.length, min, max)
  })
}

export function map<Value extends z.ZodType>(
  key: z.ZodType<string, string>,
  value: Value,
  { min = 0, max = Infinity }: ItemConstraints = {},
) {
  return z
    .custom<Record<string, unknown>>(
      (entries) => typeof entries === 'object' && entries !== null && !Array.isArray(entries),
      'Member must be a map',
    )
    .superRefine((entries, context) => {
      violateLength(context, Object.keys(entries).length, min, max)
      // zod would leave this key out without a word.
      if (Object.hasOwn(entries, '__proto__')) {
        context.addIssue({ code: 'custom', message: 'Member must not have the key __proto__' })
      }
    })
    .pipe(z.record(key, value))
}

function violateLength(context: z.RefinementCtx, length: number, min: number, max: number): void {
  const violate = (message: string) =>
    context.addIssue({ code: 'custom', message, params: { sensitive: true } })
  if (length < min) violate(`Member must have length greater than or equal to ${min}`)
  if (length > max) violate(`Member must have length less than or equal to ${max}`)
}

const year10000 = Date.UTC(10_000, 0)

/**
 * Epoch seconds, whole (botocore) or with a fraction (JavaScript); contract/api-behaviour.md §1.1. Not every time that a
 * number can name has a date, and not every date has a year of four digits.
 */
export const timestamp = z
  .number()
  .transform((seconds) => new Date(Math.round(seconds * 1000)))
  .refine((date) => date.getTime() >= 0 && date.getTime() < year10000, {
    message: 'Member must be a time in epoch seconds, of the years 1970 to 9999',
  })

export const flag = z.boolean()

// Apps

export const appId = text({ min: 1, max: 20, pattern: 'd[a-z0-9]+' })
export const name = text({ min: 1, max: 255, pattern: '(?s).+' })
export const description = text({ max: 1000 })
/** The model calls neither this nor `sourceUrl` sensitive; people write passwords into addresses all the same. */
export const repository = text({ max: 1000, sensitive: true })
export const platform = z.enum(['WEB', 'WEB_DYNAMIC', 'WEB_COMPUTE'])
export const computeRoleArn = text({ max: 1000 })
export const serviceRoleArn = text({ max: 1000 })
export const oauthToken = text({ max: 4096, sensitive: true })
/** Terraform empties it by sending `""`, as well as `buildSpec` (contract/terraform-sequences.md). */
export const accessToken = text({ max: 255, pattern: '(?s).*', sensitive: true })
/** The model does not call the values sensitive; people keep passwords in them all the same. */
export const environmentVariables = map(text({ max: 255 }), text({ max: 5500, sensitive: true }))
export const basicAuthCredentials = text({ max: 2000, sensitive: true })
export const buildSpec = text({ max: 25_000, pattern: '(?s).*', sensitive: true })
export const customHeaders = text({ max: 25_000 })
export const customRules = list(
  z.object({
    source: text({ min: 1, max: 2048, pattern: '(?s).+' }),
    target: text({ min: 1, max: 2048, pattern: '(?s).+' }),
    status: text({ min: 3, max: 7, pattern: '.{3,7}' }).optional(),
    condition: text({ max: 2048 }).optional(),
  }),
)
export const jobConfig = z.object({ buildComputeType: z.enum(['STANDARD_8GB', 'LARGE_16GB', 'XLARGE_72GB']) })
export const cacheConfig = z.object({ type: z.enum(['AMPLIFY_MANAGED', 'AMPLIFY_MANAGED_NO_COOKIES']) })

// Branches

export const branchName = text({ min: 1, max: 255, pattern: '(?s).+' })
/** Every unset stage is answered as NONE, which the model's enum lacks (contract §3): who sends it back means unset. */
export const stage = z
  .enum(['PRODUCTION', 'BETA', 'DEVELOPMENT', 'EXPERIMENTAL', 'PULL_REQUEST', 'NONE'])
  .transform((value) => (value === 'NONE' ? undefined : value))
export const framework = text({ max: 255 })
export const displayName = text({ max: 255 })
export const ttl = text({ max: 32, pattern: '\\d*' })
export const pullRequestEnvironmentName = text({ max: 20 })
export const backendEnvironmentArn = text({ max: 1000 })
export const backend = z.object({
  stackArn: text({
    min: 20,
    max: 2048,
    pattern: '^arn:aws:cloudformation:[a-z0-9-]+:\\d{12}:stack/.+/.+$',
  }).optional(),
})
export const autoBranchCreationPatterns = list(text({ min: 1, max: 2048, pattern: '(?s).+' }))
export const autoBranchCreationConfig = z.object({
  stage: stage.optional(),
  framework: framework.optional(),
  enableAutoBuild: flag.optional(),
  environmentVariables: environmentVariables.optional(),
  basicAuthCredentials: basicAuthCredentials.optional(),
  enableBasicAuth: flag.optional(),
  enablePerformanceMode: flag.optional(),
  buildSpec: buildSpec.optional(),
  enablePullRequestPreview: flag.optional(),
  pullRequestEnvironmentName: pullRequestEnvironmentName.optional(),
})

// Jobs, deployments, artifacts

export const jobId = text({ max: 255, pattern: '[0-9]+' })
export const jobType = z.enum(jobTypes)
export const jobReason = text({ max: 255 })
export const commitId = text({ max: 255 })
export const commitMessage = text({ max: 10_000 })
/** File name to MD5 in hex. */
export const fileMap = map(text({ max: 255 }), text({ max: 32 }))
export const sourceUrl = text({ max: 3000, pattern: '^(s3|https|http)://.*', sensitive: true })
export const sourceUrlType = z.enum(sourceUrlTypes)
export const artifactId = text({ max: 255 })

/** The members that name a branch, and a job of it. */
export const branchAddress = { appId, branchName }
export const jobAddress = { ...branchAddress, jobId }

// Tags

const tagKey = text({ min: 1, max: 128, pattern: '^(?!aws:)[a-zA-Z+-=._:/]+$' })
export const tags = map(tagKey, text({ max: 256, pattern: '^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$' }), {
  max: 50,
})
export const tagKeys = list(tagKey, { min: 1, max: 50 })
export const resourceArn = text({ max: 2048, pattern: '^arn:aws:amplify:.*' })

// Domain associations, webhooks, backend environments

export const domainName = text({
  max: 64,
  pattern: '^(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])(\\.)?$',
})
export const subDomainSettings = list(z.object({ prefix: text({ max: 255 }), branchName }), { max: 500 })
export const autoSubDomainCreationPatterns = list(text({ min: 1, max: 2048, pattern: '(?s).+' }))
export const autoSubDomainIAMRole = text({ max: 1000, pattern: '^$|^arn:aws:iam::\\d{12}:role.+' })
export const certificateSettings = z.object({
  type: z.enum(['AMPLIFY_MANAGED', 'CUSTOM']),
  /** Providers of Terraform send `""` with a managed certificate. */
  customCertificateArn: text({
    max: 1000,
    pattern: '^$|^arn:aws:acm:[a-z0-9-]+:\\d{12}:certificate\\/.+$',
  }).optional(),
})
export const webhookId = text({ max: 255 })
export const environmentName = text({ min: 1, max: 255, pattern: '(?s).+' })
export const stackName = text({ min: 1, max: 255, pattern: '(?s).+' })
export const deploymentArtifacts = text({ min: 1, max: 1000, pattern: '(?s).+' })

// Paging

export const nextToken = text({ max: 2000 }).optional()
/** Items on a page: 0 and absent mean the most, and old clients, which may ask for 100, get the most (contract §1.4). */
export const maxResults = pageSize(limits.pageItemsMax)
export const appMaxResults = pageSize(limits.appPageItemsMax)

/** Items on a page of a list, as its query has them: text. */
export function pageSize(itemsMax: number) {
  return z
    .string()
    .regex(/^[+-]?[0-9]{1,10}$/, 'Member must be a whole number')
    .transform(Number)
    .refine((asked) => asked >= 0, { message: 'Member must have value greater than or equal to 0' })
    .optional()
    .transform((asked) => (asked ? Math.min(asked, itemsMax) : itemsMax))
}
