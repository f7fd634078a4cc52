import { pathText } from '../../deploy/read-yaml.ts'
import { buildPhaseNames, testPhaseNames } from './grammar.ts'

/** The keys of a mapping; `null` for one whose value is no mapping, or is checked elsewhere. */
interface Keys {
  [key: string]: Keys | null
}

const phases = (names: readonly string[]): Keys =>
  Object.fromEntries(names.map((name) => [name, { commands: null }]))

const applicationKeys: Keys = {
  env: { variables: null },
  backend: { phases: phases(buildPhaseNames) },
  frontend: {
    phases: phases(buildPhaseNames),
    artifacts: { baseDirectory: null, files: null, 'discard-paths': null },
    cache: { paths: null },
    buildPath: null,
    buildpath: null,
  },
  test: {
    phases: phases(testPhaseNames),
    artifacts: { baseDirectory: null, files: null, configFilePath: null },
  },
  customHeaders: null,
}
/** Beside `applications` the sections of the document itself mean nothing, but for what all apps share. */
const monorepoKeys: Keys = {
  version: null,
  applications: null,
  env: { variables: null },
  customHeaders: null,
}

/**
 * Keys that mean nothing, by their path: mistyped most likely.
 * @param entry of `applications`, where there is one
 */
export function unknownKeys(document: unknown, entry?: { path: PropertyKey[]; value: unknown }): string[] {
  if (!entry) return unknownIn(document, { version: null, ...applicationKeys }, [])
  return [
    ...unknownIn(document, monorepoKeys, []),
    ...unknownIn(entry.value, { appRoot: null, ...applicationKeys }, entry.path),
  ]
}

function unknownIn(value: unknown, keys: Keys, path: PropertyKey[]): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const below = Object.hasOwn(keys, key) ? keys[key] : undefined
    if (below === undefined) return [pathText([...path, key])]
    return below === null ? [] : unknownIn(member, below, [...path, key])
  })
}
