import { limits } from '../model/limits.ts'
import type { CustomHeaders } from '../model/manifest.ts'
import { compileGlob } from '../rules/pattern/glob.ts'
import type { Program } from '../rules/pattern/program.ts'
import { type Budget, search } from '../rules/pattern/search.ts'

/** Custom headers for one path: the same object for every path that has the same. */
export interface HeaderSet {
  /** By name in lower case. */
  headers: Record<string, string>
  /** Places of the patterns that they come from, in order. */
  patterns: number[]
  /** Headers of the request on which every answer of the site depends, as `Vary` names them; undefined for none. */
  vary: string | undefined
}

/** The custom headers of a site (contract/hosting-behaviour.md §6.1). */
export class HeaderRules {
  readonly entries: readonly CustomHeaders[]
  readonly #programs: Program[]
  readonly #sets = new Map<string, HeaderSet>()
  readonly #vary: string | undefined

  /** @param vary headers of the request on which every answer depends */
  constructor(entries: readonly CustomHeaders[], vary?: string) {
    this.entries = entries
    this.#vary = vary
    this.#programs = entries.map(({ pattern }) => compileGlob(pattern))
  }

  /**
   * The headers of all patterns that match; of two values for one name the later one.
   * @param path decoded, from its first slash on, as the visitor asked for it
   */
  of(path: string): HeaderSet {
    if (this.entries.length === 0 && this.#vary === undefined) return noHeaders
    const budget: Budget = { steps: limits.requestPatternStepsMax }
    const matching = this.#programs.flatMap((program, place) =>
      matches(program, path, budget) ? [place] : [],
    )
    const key = matching.join()
    let set = this.#sets.get(key)
    if (!set) {
      set = { headers: this.#merge(matching), patterns: matching, vary: this.#vary }
      if (this.#sets.size >= setsMax) this.#sets.clear()
      this.#sets.set(key, set)
    }
    return set
  }

  #merge(places: number[]): Record<string, string> {
    const pairs = places.flatMap((place) => this.entries[place]!.headers)
    return Object.fromEntries(pairs.map(({ key, value }) => [key.toLowerCase(), value]))
  }
}

export const noHeaders: HeaderSet = { headers: {}, patterns: [], vary: undefined }

/** Combinations of patterns are few, but for who makes them up. */
const setsMax = 1000

function matches(program: Program, path: string, budget: Budget): boolean {
  const own = { steps: Math.min(limits.patternStepsMax, budget.steps) }
  const before = own.steps
  const result = search(program, path, own)
  budget.steps -= before - own.steps
  return result !== 'none' && result !== 'over-budget'
}
