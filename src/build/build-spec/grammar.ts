import { z } from 'zod'

import { listOf, mapping, text, textsOf } from '../../deploy/read-yaml.ts'
import { limits } from '../../model/limits.ts'

/** In the order in which they run (contract/hosting-behaviour.md §1.2). */
export const buildPhaseNames = ['preBuild', 'build', 'postBuild'] as const
export const testPhaseNames = ['preTest', 'test', 'postTest'] as const

const commands = textsOf(
  z.string({ error: describeCommand }).nullable(),
  limits.buildSpecCommandsMax,
  'must be a list of commands',
)
const phase = z.object({ commands }, { error: 'must be a mapping with "commands"' }).nullish()
const buildPhases = z.object({ preBuild: phase, build: phase, postBuild: phase }, mapping).nullish()
const testPhases = z.object({ preTest: phase, test: phase, postTest: phase }, mapping).nullish()
const patterns = (itemsMax: number) => textsOf(text.nullable(), itemsMax, 'must be a list of texts')

const frontend = z
  .object(
    {
      phases: buildPhases,
      artifacts: z
        .object(
          {
            baseDirectory: text.nullish(),
            files: patterns(limits.artifactPatternsMax),
            'discard-paths': text.nullish(),
          },
          mapping,
        )
        .nullish(),
      cache: z.object({ paths: patterns(limits.cachePatternsMax) }, mapping).nullish(),
      buildPath: text.nullish(),
      buildpath: text.nullish(),
    },
    mapping,
  )
  .nullish()

const test = z
  .object(
    {
      phases: testPhases,
      artifacts: z
        .object(
          {
            baseDirectory: text.nullish(),
            files: patterns(limits.artifactPatternsMax),
            configFilePath: text.nullish(),
          },
          mapping,
        )
        .nullish(),
    },
    mapping,
  )
  .nullish()

/** What is said of one app: by the whole document, or by an entry of `applications`. */
export const applicationShape = z.object(
  {
    env: z.object({ variables: z.record(z.string(), text.nullable(), mapping).nullish() }, mapping).nullish(),
    backend: z.object({ phases: buildPhases }, mapping).nullish(),
    frontend,
    test,
    customHeaders: z.unknown().optional(),
  },
  mapping,
)
export type Application = z.output<typeof applicationShape>

/** What is asked of the whole document before one of its apps is chosen. */
export const documentShape = z.object(
  {
    version: z
      .string({ error: 'is missing. Write "version: 1"' })
      .refine((version) => Number(version) === 1, {
        error: (issue) => `is ${JSON.stringify(issue.input)}, and only version 1 exists`,
      }),
    applications: listOf(
      z.object({ appRoot: text.nullish() }, mapping),
      limits.buildSpecApplicationsMax,
      'must be a list of applications',
    ).nullish(),
  },
  { error: 'must be a mapping that begins with "version: 1"' },
)

/** The usual slip: `- echo note: done` is a mapping to YAML. */
function describeCommand({ input }: { input?: unknown }): string {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return 'must be text'
  return 'is a mapping, not a command: a colon followed by a space makes it one. Put the whole command in quotes'
}
