import { jsonHash } from '../model/json-hash.ts'
import { limits } from '../model/limits.ts'
import type { WrittenRule } from '../model/written-rule.ts'
import type { RequestPath } from './request-path.ts'
import { type IgnoredRule, readRule, type Rule, type RuleExtensions } from './rule.ts'
import { Shared } from './shared.ts'

/** The rules of a site, ready to be asked. */
export interface Rules {
  /** Redirects and rewrites: they go before files. */
  first: RuleList
  /** The two kinds of 404: they are asked when nothing else has answered. */
  last: RuleList
  ignored: IgnoredRule[]
}

/** By what they are made from. */
const shared = new Shared<Rules>()

/** Reads the rules of a site once, whatever the number of its hosts. */
export function readRules(written: readonly WrittenRule[], extensions: RuleExtensions): Rules {
  const { headerConditions, expressionGroups, plainProxies } = extensions
  const key = jsonHash([written, headerConditions, expressionGroups, plainProxies])
  return shared.get(key, () => readAll(written, extensions))
}

function readAll(written: readonly WrittenRule[], extensions: RuleExtensions): Rules {
  const left = { expressionCharacters: limits.siteExpressionCharactersMax }
  const read = written.map((rule, index) => readRule(rule, index, extensions, left))
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
  candidates(path: RequestPath): readonly Rule[] {
    const here = this.#byPath.size === 0 ? none : (this.#byPath.get(path.decoded) ?? none)
    const below =
      this.#byFirstSegment.size === 0 ? none : (this.#byFirstSegment.get(path.segments[0]!) ?? none)
    return inOrder(inOrder(here, below), this.#others)
  }
}

const none: readonly Rule[] = []

/** Joins two lists that are in order: there may be thousands for each request. */
function inOrder(one: readonly Rule[], other: readonly Rule[]): readonly Rule[] {
  if (one.length === 0) return other
  if (other.length === 0) return one
  const joined: Rule[] = []
  let at = 0
  for (const rule of one) {
    while (at < other.length && other[at]!.index < rule.index) joined.push(other[at++]!)
    joined.push(rule)
  }
  while (at < other.length) joined.push(other[at++]!)
  return joined
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
    return { path: `/${source.segments.map(({ texts }) => texts[0]).join('/')}` }
  }
  const [first] = source.segments
  return first && first.names.length === 0 ? { firstSegment: first.texts[0]! } : {}
}
