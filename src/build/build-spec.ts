import { readCustomHeaders } from '../deploy/custom-headers.ts'
import { readShape, readYaml } from '../deploy/read-yaml.ts'
import { repositoryPath } from '../deploy/repository-path.ts'
import { limits } from '../model/limits.ts'
import type { CustomHeaders } from '../model/manifest.ts'
import { BuildFailed, customerError } from './build-failed.ts'
import { chooseApplication } from './build-spec/choose-application.ts'
import {
  type Application,
  applicationShape,
  buildPhaseNames,
  documentShape,
  testPhaseNames,
} from './build-spec/grammar.ts'
import { unknownKeys } from './build-spec/unknown-keys.ts'

/** What `amplify.yml`, version 1, asks for in one app (contract/hosting-behaviour.md §1.2). Paths have no slash at either end. */
export interface BuildSpec {
  variables: Record<string, string>
  /** Folder of the app in a monorepo, relative to the root of the repository; otherwise empty. */
  appRoot: string
  /** Where each section starts, and what artifacts and caches are relative to; itself relative to the root, empty for it. */
  buildPath: string
  backend: BuildPhase[]
  frontend: BuildPhase[]
  test: TestSection | undefined
  artifacts: {
    /** Relative to `buildPath`; empty for that folder itself. */
    baseDirectory: string
    files: string[]
    discardPaths: boolean
  }
  /** Globs relative to `buildPath`, as they are written; `!` in front excludes. Undefined where the spec has no cache. */
  cachePaths: string[] | undefined
  /** Undefined where the spec has none. */
  customHeaders: CustomHeaders[] | undefined
  /** Keys that mean nothing, most likely mistyped, for the log to name. */
  unknownKeys: string[]
  /** What else the log shall say. */
  warnings: string[]
}

export interface BuildPhase {
  /** `liveUpdates` is what `_LIVE_UPDATES` installs; no spec has it. */
  name: (typeof buildPhaseNames)[number] | (typeof testPhaseNames)[number] | 'liveUpdates'
  commands: string[]
}

export interface TestSection {
  phases: BuildPhase[]
  /** Undefined where nothing of it is kept. */
  artifacts: TestArtifacts | undefined
}

export interface TestArtifacts {
  baseDirectory: string
  files: string[]
  /** Glob of the file that tells the results: `testConfigUrl`. */
  configFilePath: string | undefined
}

const what = 'build spec'

/**
 * Reads a build spec.
 * @param wantedRoot AMPLIFY_MONOREPO_APP_ROOT: which of several apps is built
 * @throws {import('./build-failed.ts').BuildFailed} with the parser's words, or the path of the member that does not fit
 */
export function parseBuildSpec(source: string, wantedRoot?: string): BuildSpec {
  if (Buffer.byteLength(source) > limits.buildSpecBytesMax) {
    throw customerError(`Unable to parse ${what}: it is longer than ${limits.buildSpecBytesMax} bytes`)
  }
  const document = readYaml(source, what) as Record<string, unknown>
  const { applications } = readShape(documentShape, document, what)
  const choice = chooseApplication(applications ?? undefined, wantedRoot)
  const entry = entryOf(document, choice.index)
  const app = readShape(applicationShape, entry?.value ?? document, what, entry?.path)
  const shared = entry && readShape(applicationShape.pick({ env: true }), document, what)
  const { backend, frontend, test } = app
  if (!frontend?.artifacts) throw noArtifacts(unknownKeys(document, entry))
  const { artifacts, cache } = frontend
  const buildPath = frontend.buildPath ?? frontend.buildpath
  return {
    variables: readVariables({ ...shared?.env?.variables, ...app.env?.variables }),
    appRoot: choice.appRoot,
    buildPath: buildPath ? repositoryPath(buildPath, 'frontend.buildPath') : choice.appRoot,
    backend: phasesOf(buildPhaseNames, backend?.phases),
    frontend: phasesOf(buildPhaseNames, frontend.phases),
    test: test
      ? { phases: phasesOf(testPhaseNames, test.phases), artifacts: testArtifacts(test) }
      : undefined,
    artifacts: {
      baseDirectory: repositoryPath(artifacts.baseDirectory ?? '', 'frontend.artifacts.baseDirectory'),
      files: artifacts.files.length > 0 ? artifacts.files : ['**/*'],
      discardPaths: /^(yes|true|on|1)$/i.test(artifacts['discard-paths'] ?? ''),
    },
    cachePaths: cache?.paths,
    customHeaders: readCustomHeaders(app.customHeaders ?? document['customHeaders'], what),
    unknownKeys: unknownKeys(document, entry),
    warnings: choice.warning === undefined ? [] : [choice.warning],
  }
}

/** A mistyped key may be why there are none. */
function noArtifacts(unknown: string[]): BuildFailed {
  const { message, logLines } = customerError(
    'Artifacts base directory not found in build output, please check your buildSpec',
  )
  const hints = unknown.map((key) => `The key "${key}" means nothing: is it mistyped?`)
  return new BuildFailed(message, [...hints, ...logLines])
}

function entryOf(
  document: Record<string, unknown>,
  index: number | undefined,
): { path: PropertyKey[]; value: unknown } | undefined {
  if (index === undefined) return undefined
  return { path: ['applications', index], value: (document['applications'] as unknown[])[index] }
}

function phasesOf<Name extends BuildPhase['name']>(
  names: readonly Name[],
  phases: Partial<Record<Name, { commands: string[] } | null | undefined>> | null | undefined,
): BuildPhase[] {
  return names.map((name) => ({ name, commands: phases?.[name]?.commands ?? [] }))
}

function testArtifacts({ artifacts }: NonNullable<Application['test']>): TestArtifacts | undefined {
  if (!artifacts) return undefined
  return {
    baseDirectory: repositoryPath(artifacts.baseDirectory ?? '', 'test.artifacts.baseDirectory'),
    files: artifacts.files,
    configFilePath: artifacts.configFilePath ?? undefined,
  }
}

function readVariables(given: Record<string, string | null>): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value?.includes('\0')) {
      throw customerError(
        `Unable to parse ${what}: ${JSON.stringify(name)} in env.variables cannot be the name of a variable, or its value has a NUL`,
      )
    }
    variables[name] = value ?? ''
  }
  return variables
}
