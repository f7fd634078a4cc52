import type { ExplainedRule } from '../model/explanation.ts'
import type { WrittenRule } from '../model/written-rule.ts'
import type { Mismatch } from '../rules/match.ts'
import type { RuleOutcome } from '../rules/outcome.ts'
import { patternWarning } from '../rules/pattern/glob.ts'
import { type Rule, statusDefault } from '../rules/rule.ts'
import { targetWarnings } from '../rules/target-warnings.ts'
import type { PassedOver, Trace } from './apply-rules.ts'
import type { Site } from './site.ts'

const patternWarningsMax = 20

const sourceReasons: Record<Rule['source']['kind'], string> = {
  path: 'Its source is another address.',
  expression: 'Its expression does not match.',
  host: 'Its source is another host.',
}

type Looked = Pick<ExplainedRule, 'result' | 'reason'>

interface Asked {
  site: Site
  method: string
  country: string | undefined
}

/** Hears of each rule while a decision is made, and says afterwards in words what became of it. */
export class RuleTrace implements Trace {
  readonly #own: readonly WrittenRule[]
  readonly #brought: readonly WrittenRule[]
  readonly #asked: Asked
  readonly #warnings: ReadonlyMap<number, string[]>
  readonly #looked = new Map<number, Looked>()
  readonly #headerPatterns: number[] = []
  #deciding: number | undefined

  constructor(
    { own, brought }: { own: readonly WrittenRule[]; brought: readonly WrittenRule[] },
    asked: Asked,
  ) {
    this.#own = own
    this.#brought = brought
    this.#asked = asked
    const { first, last } = asked.site.rules
    this.#warnings = new Map([...first.all, ...last.all].map((rule) => [rule.index, targetWarnings(rule)]))
    for (const { index, ignored } of asked.site.rules.ignored) {
      this.#looked.set(index, { result: 'ignored', reason: ignored })
    }
  }

  rule(rule: Rule, result: RuleOutcome | Mismatch | PassedOver): void {
    if (typeof result !== 'string') this.#deciding = rule.index
    const looked =
      typeof result === 'string'
        ? { result: 'skipped' as const, reason: this.#whySkipped(rule, result) }
        : { result: 'matched' as const, reason: this.#whatItSays(result) }
    this.#looked.set(rule.index, looked)
  }

  rewriteMissed({ index }: Rule, path: string): void {
    const reason = `Its target ${path} is no file. Other files are not looked at: only rules with status 404 and 404-200 come after it.`
    this.#looked.set(index, { result: 'matched', reason })
    this.#deciding = undefined
  }

  headerPatternGivenUp(place: number): void {
    this.#headerPatterns.push(place)
  }

  /** How the rule is called that the answer comes from; undefined where it comes from none. */
  get deciding(): string | undefined {
    if (this.#deciding === undefined) return undefined
    const { number, list } = this.#nameOf(this.#deciding)
    return list === 'app' ? `rule ${number}` : `rule ${number} of ${list}`
  }

  rules(): ExplainedRule[] {
    return [...this.#own, ...this.#brought].map(({ source, target, status, condition }, index) => ({
      ...this.#nameOf(index),
      source: source ?? '',
      target: target ?? '',
      status: status ?? statusDefault,
      condition: condition || undefined,
      ...(this.#looked.get(index) ?? this.#whyNotReached(index)),
      warnings: this.#warnings.get(index) ?? [],
    }))
  }

  notes(): string[] {
    const { entries } = this.#asked.site.headers
    const takeTooLong = this.#headerPatterns.map(
      (place) =>
        `The pattern ${entries[place]!.pattern} of custom headers took too long for this path, and its headers are not sent.`,
    )
    const foreign = entries.flatMap(({ pattern }) => patternWarning(pattern) ?? [])
    return [...takeTooLong, ...foreign.slice(0, patternWarningsMax)]
  }

  #nameOf(index: number): Pick<ExplainedRule, 'number' | 'list'> {
    const own = this.#own.length
    return index < own
      ? { number: index + 1, list: 'app' }
      : { number: index - own + 1, list: 'customRules.json' }
  }

  #whatItSays(outcome: RuleOutcome): string {
    const { method } = this.#asked
    if (outcome.kind === 'out-of-target')
      return 'It matches, and what it takes from the address has segments such as "..", also encoded, or with another slash, which would lead out of the folder that its target names. That is answered with 400, and no rule after it is asked.'
    if (outcome.kind === 'redirect')
      return `It redirects to ${outcome.location} with status ${outcome.status}.`
    const status = outcome.status === undefined ? '' : `, with status ${outcome.status}`
    if (outcome.kind === 'proxy') return `It fetches ${outcome.url}${status}.`
    if (method !== 'GET' && method !== 'HEAD') {
      this.#deciding = undefined
      return `It leads to the file ${outcome.path}, and files do not answer ${method}. No rule after it is asked.`
    }
    return `It shows ${outcome.path}${status}.`
  }

  #whySkipped({ source, condition }: Rule, why: Mismatch | PassedOver): string {
    const { country } = this.#asked
    const wanted = condition && 'country' in condition ? condition.country : ''
    const header = condition && 'header' in condition ? condition : undefined
    const reasons: Record<Mismatch | PassedOver, string> = {
      source: sourceReasons[source.kind],
      query: 'Its source asks for parameters that the query does not have, or not with these values.',
      country: `It is for visitors from ${wanted}, and this one is from ${country}.`,
      'country-unknown': `It is for visitors from ${wanted}, and nothing says where this one is.`,
      header: `It is for visits whose header ${header?.header} is ${header?.value}.`,
      'over-budget': `Its ${header ? 'expression or condition takes' : 'expression takes'} too long for this ${header ? 'visit' : 'path'}, which counts as no match.`,
      'too-late':
        'What was looked at before it took as long as a request may take: it is not looked at, which counts as no match.',
      'leads-to-itself': 'It would redirect to the address that was asked for.',
      'file-exists': 'There is a file, and the option rewriteMissingOnly lets it go first.',
    }
    return reasons[why]
  }

  #whyNotReached(index: number): Looked {
    const last = this.#asked.site.rules.last.all
    const wereAsked = last.some((rule) => this.#looked.has(rule.index))
    const reason =
      !wereAsked && last.some((rule) => rule.index === index)
        ? 'Rules with this status are asked only where nothing else answers.'
        : 'The answer was decided before it.'
    return { result: 'not-reached', reason }
  }
}
