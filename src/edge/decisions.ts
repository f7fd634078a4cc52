import { decide, type Decision } from './decide.ts'
import { describe, type DescribedDecision } from './described-decision.ts'
import type { Site, SiteAnswer } from './site.ts'
import type { Visitor } from './visitors.ts'

/** Addresses whose decisions are kept, in two halves that change places: what is asked for stays. */
const keptMax = 20_000
/** Of an address, and of one that it leads to. Longer ones are decided anew: strangers may send 100 KB of them at a time. */
const keptCharactersMax = 512

export interface Decisions {
  decide(site: SiteAnswer, request: Request, visitor: Visitor): DescribedDecision
  /** Drops what nobody has asked for since it was called before, and with it the sites that are served no more. */
  forgetUnasked(): void
}

interface Kept {
  site: Site
  decision: DescribedDecision
}

/**
 * Decides as `decide.ts` does, and remembers what will be decided again. What it remembers is bounded, in bytes as well.
 * @param countOverruns is told of patterns that took too long, each time they do
 */
export function createDecisions(countOverruns: (site: Site, patterns: number) => void): Decisions {
  let recent = new Map<string, Kept>()
  let older = new Map<string, Kept>()
  const seen = new SeenAddresses()

  function find(site: SiteAnswer, url: string): DescribedDecision | undefined {
    const kept = recent.get(url)
    if (kept) return kept.site === site ? kept.decision : undefined
    const old = older.get(url)
    if (old?.site !== site) return undefined
    keep(url, old)
    return old.decision
  }

  function keep(url: string, kept: Kept): void {
    if (recent.size >= keptMax / 2) forgetUnasked()
    recent.set(url, kept)
  }

  function forgetUnasked(): void {
    older = recent
    recent = new Map()
  }

  function decideOrRecall(site: SiteAnswer, request: Request, visitor: Visitor): DescribedDecision {
    const { method, url, headers } = request
    const isRead = method === 'GET' || method === 'HEAD'
    const known = isRead ? find(site, url) : undefined
    if (known) return known
    const decided = decide(site, {
      method,
      url,
      country: () => visitor.country(),
      header: (name) => headers.get(name),
    })
    if (decided.overruns !== undefined) countOverruns(site as Site, decided.overruns)
    const decision = describe(decided)
    const { dependsOnVisitor } = decided
    const mayBeKept = typeof site === 'object' && isRead && !dependsOnVisitor && isWorthKeeping(url, decided)
    if (mayBeKept && seen.before(url)) keep(url, { site, decision })
    return decision
  }

  return { decide: decideOrRecall, forgetUnasked }
}

/**
 * Tells addresses that come again from those that come once: what is kept for nothing pushes out what is asked for, and costs the
 * collector of garbage more than the decision. It may forget one, or take it for another of the same hash.
 */
class SeenAddresses {
  readonly #hashes = new Uint32Array(2 ** 16)

  before(url: string): boolean {
    const hash = Bun.hash.xxHash32(url)
    const slot = hash % this.#hashes.length
    if (this.#hashes[slot] === hash) return true
    this.#hashes[slot] = hash
    return false
  }
}

/** Whoever makes up addresses mostly finds none, adds queries, or makes long ones. */
function isWorthKeeping(url: string, decision: Decision): boolean {
  if (url.length > keptCharactersMax || /[?#]/.test(url)) return false
  switch (decision.kind) {
    case 'file':
      return true
    case 'redirect':
      return decision.location.length <= keptCharactersMax
    case 'proxy':
      return decision.url.length <= keptCharactersMax
    default:
      return false
  }
}
