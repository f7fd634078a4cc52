import { sentHeaders } from '../deploy/sent-headers.ts'
import type { CustomHeaders } from '../model/manifest.ts'
import { type RequestBudget, searchWithin } from '../rules/pattern/bounded-search.ts'
import { compileGlob } from '../rules/pattern/glob.ts'
import type { Program } from '../rules/pattern/program.ts'

/** The places that can hold custom headers, strongest first (contract/hosting-behaviour.md §6.1). */
export type HeaderSource = 'customHttp.yml' | 'app' | 'build-spec'

/** Custom headers for one path: the same object for every path that has the same. */
export interface HeaderSet {
  /** By name in lower case. */
  headers: Record<string, string>
  /** Places of the patterns that they come from, in order. */
  patterns: number[]
  /** Headers of the request on which every answer of the site depends, as `Vary` names them; undefined for none. */
  vary: string | undefined
  /** Whether another visitor may be answered something else, or nothing of the site: no shared cache may keep the answer. */
  isPersonal: boolean
}

/** What a site has beside its custom headers. */
export interface OwnHeaders {
  /** Host name of the sites' address: no cookie is for all that is below it. */
  siteSuffix: string
  /** No search engine shall take a job for the site itself, unless a custom header says something else. */
  noIndex?: boolean
  /** Headers of the request on which every answer depends. */
  vary?: string | undefined
  /** Not everybody is let in. */
  isPersonal?: boolean
}

/** The custom headers of a site (contract/hosting-behaviour.md §6.1). */
export class HeaderRules {
  readonly entries: readonly CustomHeaders[]
  /** What of them is not sent, as sentences. */
  readonly leftOut: readonly string[]
  /** Where they were written. */
  readonly source: HeaderSource
  readonly #programs: Program[]
  readonly #sets = new Map<string, HeaderSet>()
  readonly #noIndex: boolean
  readonly #vary: string | undefined
  readonly #isPersonal: boolean

  constructor(
    written: readonly CustomHeaders[],
    source: HeaderSource,
    { siteSuffix, noIndex = false, vary, isPersonal = false }: OwnHeaders,
  ) {
    const { sent, leftOut } = sentHeaders(written, siteSuffix)
    this.entries = sent
    this.leftOut = leftOut
    this.source = source
    this.#noIndex = noIndex
    this.#vary = vary
    this.#isPersonal = isPersonal
    this.#programs = sent.map(({ pattern }) => compileGlob(pattern))
  }

  /**
   * The headers of all patterns that match; of two values for one name the later one.
   * @param path decoded, from its first slash on, as the visitor asked for it
   * @param givenUp is told the place of a pattern that took too long, which counts as no match
   */
  of(path: string, budget: RequestBudget, givenUp?: (place: number) => void): HeaderSet {
    const hasOwn = this.#vary !== undefined || this.#noIndex || this.#isPersonal
    if (this.entries.length === 0 && !hasOwn) return noHeaders
    const matching = this.#programs.flatMap((program, place) => {
      const result = searchWithin(program, path, budget)
      if (result === 'over-budget') givenUp?.(place)
      return result === 'none' || result === 'over-budget' ? [] : [place]
    })
    const key = matching.join()
    let set = this.#sets.get(key)
    if (!set) {
      const isPersonal = this.#isPersonal
      set = { headers: this.#merge(matching), patterns: matching, vary: this.#vary, isPersonal }
      if (this.#sets.size >= setsMax) this.#sets.clear()
      this.#sets.set(key, set)
    }
    return set
  }

  #merge(places: number[]): Record<string, string> {
    const pairs = places.flatMap((place) => this.entries[place]!.headers)
    const written = Object.fromEntries(pairs.map(({ key, value }) => [key.toLowerCase(), value]))
    return { ...(this.#noIndex && { 'x-robots-tag': 'noindex' }), ...written }
  }
}

export const noHeaders: HeaderSet = { headers: {}, patterns: [], vary: undefined, isPersonal: false }

/** The same for an answer that was decided by who asks. */
export function personally(set: HeaderSet): HeaderSet {
  if (set.isPersonal) return set
  let personal = personalSets.get(set)
  if (!personal) {
    personal = { ...set, isPersonal: true }
    personalSets.set(set, personal)
  }
  return personal
}

/** What headers of files have in common is kept by the set (`file-headers.ts`). */
const personalSets = new WeakMap<HeaderSet, HeaderSet>()

/** Combinations of patterns are few, but for who makes them up. */
const setsMax = 1000
