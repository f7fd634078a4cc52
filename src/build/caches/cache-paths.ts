/** What `cache.paths` of a build spec names, read (contract/hosting-behaviour.md §1.2). */
export interface CachePaths {
  wanted: CachePattern[]
  excluded: CachePattern[]
  /** Globs that name nothing below the build path. */
  outside: string[]
}

/** One glob, relative to the build path. A folder that it matches is meant with all that is in it. */
export interface CachePattern {
  /** The whole path, where it has no wildcards: then nothing need be searched. */
  literal: string | undefined
  matches(path: string): boolean
  /** Whether it could match something below the folder. */
  reachesBelow(folder: string): boolean
}

/**
 * Reads the globs. `!` before one excludes. Absolute ones and those that lead out of the build path are left out: the build
 * goes on without them, as on Amplify. `dir`, `dir/**` and `dir/**\/*` all name the folder.
 */
export function readCachePaths(globs: readonly string[]): CachePaths {
  const wanted: CachePattern[] = []
  const excluded: CachePattern[] = []
  const outside: string[] = []
  for (const glob of globs) {
    const isExcluded = glob.startsWith('!')
    const parts = partsOf(isExcluded ? glob.slice(1) : glob)
    if (parts) (isExcluded ? excluded : wanted).push(patternOf(parts))
    else outside.push(glob)
  }
  return { wanted, excluded, outside }
}

/** Undefined for what is not below the build path. */
function partsOf(glob: string): string[] | undefined {
  if (/^(?:\/|~|\$HOME\b)/.test(glob)) return undefined
  const parts: string[] = []
  for (const part of glob.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  const end = parts.findLastIndex((part) => part !== '**' && part !== '*') + 1
  // `dir/*` means each thing in the folder, `dir/**/*` the folder.
  const folder = parts[end] === '**' ? parts.slice(0, end) : parts
  return folder.length > 0 ? folder : ['*']
}

const wildcards = /[*?[\]{}\\!]/

function patternOf(parts: string[]): CachePattern {
  const path = parts.join('/')
  if (!wildcards.test(path)) {
    return {
      literal: path,
      matches: (name) => name === path,
      reachesBelow: (folder) => folder === '' || path.startsWith(`${folder}/`),
    }
  }
  const matcher = globOf(path)
  const matchers = parts.map(globOf)
  return {
    literal: undefined,
    matches: (name) => matcher.match(name),
    reachesBelow(folder) {
      const names = folder === '' ? [] : folder.split('/')
      for (const [index, name] of names.entries()) {
        const part = parts[index]
        if (part === undefined) return false
        // Braces may hold slashes, after which parts and names no longer stand side by side.
        if (part === '**' || /[{}]/.test(part)) return true
        if (!matchers[index]!.match(name)) return false
      }
      return names.length < parts.length
    },
  }
}

/** Bun's matcher takes no longer for a hostile glob than for any other. */
function globOf(glob: string): Bun.Glob {
  return new Bun.Glob(glob.replace(/^!/, '\\!'))
}
