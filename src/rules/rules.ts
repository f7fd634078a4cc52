import type { WrittenRule } from '../model/written-rule.ts'
import type { RequestPath } from './request-path.ts'
import { type IgnoredRule, readRule, type Rule, type RuleExtensions } from './rule.ts'

/** The rules of a site, ready to be asked. */
export interface Rules {
  /** Redirects and rewrites: they go before files. */
  first: RuleList
  /** The two kinds of 404: they are asked when nothing else has answered. */
  last: RuleList
  ignored: IgnoredRule[]
}

export function readRules(written: readonly WrittenRule[], extensions: RuleExtensions): Rules {
  const read = written.map((rule, index) => readRule(rule, index, extensions))
  const rules = read.filter((rule) => 'source' in rule)
  return {
    first: new RuleList(rules.filter((rule) => !isLast(rule))),
    last: new RuleList(rules.filter(isLast)),
    ignored: read.filter((rule) => 'ignored' in rule),
  }
}

function isLast({ status }: Rule): boolean {
  return status === '404' || status === '404-200'
}

/** Rules in their order. Most sources are plain paths: which of thousands can match is looked up, not tried. */
export class RuleList {
  /** All of them. */
  readonly all: readonly Rule[]
  readonly #byPath = new Map<string, Rule[]>()
  readonly #byFirstSegment = new Map<string, Rule[]>()
  readonly #others: Rule[] = []

  constructor(rules: readonly Rule[]) {
    this.all = rules
    for (const rule of rules) {
      const { path, firstSegment } = plainParts(rule)
      if (path !== undefined) add(this.#byPath, path, rule)
      else if (firstSegment !== undefined) add(this.#byFirstSegment, firstSegment, rule)
      else this.#others.push(rule)
    }
  }

  /** Those that can match the path, in order. */
  candidates({ segments }: RequestPath): readonly Rule[] {
    const here = this.#byPath.size === 0 ? undefined : this.#byPath.get(segments.join('/'))
    const below = this.#byFirstSegment.get(segments[0]!)
    if (!here && !below) return this.#others
    return [...(here ?? []), ...(below ?? []), ...this.#others].toSorted(
      (one, other) => one.index - other.index,
    )
  }
}

function add(lists: Map<string, Rule[]>, key: string, rule: Rule): void {
  const list = lists.get(key)
  if (list) list.push(rule)
  else lists.set(key, [rule])
}

/** The path of a source without placeholders, or its first segment where that has none. */
function plainParts({ source }: Rule): { path?: string; firstSegment?: string } {
  if (source.kind !== 'path') return {}
  const isPlain = source.segments.every(({ names }) => names.length === 0)
  if (isPlain && source.wildcardAfter === undefined) {
    return { path: source.segments.map(({ texts }) => texts[0]).join('/') }
  }
  const [first] = source.segments
  return first && first.names.length === 0 ? { firstSegment: first.texts[0]! } : {}
}
