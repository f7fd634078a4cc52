import type { WrittenRule } from '../model/written-rule.ts'
import { parseCondition, type RuleCondition } from './condition.ts'
import { parseSource, RuleIgnored, type RuleSource } from './source.ts'
import { parseTarget, type RuleTarget } from './target.ts'

/** What rules can do beyond AWS (`model/app-options.ts`). */
export interface RuleExtensions {
  headerConditions: boolean
  expressionGroups: boolean
  /** Whether rules may fetch from `http://` addresses, as the operator allows (`PREAMP_PROXY_HTTP`). */
  plainProxies: boolean
}

export type RuleStatus = '200' | '301' | '302' | '404' | '404-200'

export const ruleStatuses: readonly RuleStatus[] = ['200', '301', '302', '404', '404-200']

/** Of a rule that names none: AWS does not say what it takes then, and no browser keeps this one. */
export const statusDefault: RuleStatus = '302'

export interface Rule {
  /** Its place among all rules of its site, from 0. */
  index: number
  source: RuleSource
  target: RuleTarget
  status: RuleStatus
  condition: RuleCondition | undefined
}

/** A rule that never applies, and why. */
export interface IgnoredRule {
  index: number
  ignored: string
}

/**
 * Reads a rule (contract/hosting-behaviour.md §5.3). One that makes no sense is saved and ignored, as on AWS.
 * @param left how many characters the expressions of the site may still have, counted down
 */
export function readRule(
  written: WrittenRule,
  index: number,
  { headerConditions, expressionGroups, plainProxies }: RuleExtensions,
  left: { expressionCharacters: number },
): Rule | IgnoredRule {
  try {
    const status = readStatus(written.status)
    const source = parseSource(written.source ?? '', left)
    const target = parseTarget(written.target ?? '', expressionGroups && source.kind === 'expression')
    refuseUnsafe({ source, target, status }, plainProxies)
    return { index, source, target, status, condition: parseCondition(written.condition, headerConditions) }
  } catch (error) {
    if (!(error instanceof RuleIgnored)) throw error
    return { index, ignored: error.message }
  }
}

function readStatus(text = statusDefault as string): RuleStatus {
  const status = ruleStatuses.find((known) => known === text)
  if (!status) throw new RuleIgnored(`Its status ${text} is not one of ${ruleStatuses.join(', ')}.`)
  return status
}

function refuseUnsafe(
  { source, target: { origin, path }, status }: Pick<Rule, 'source' | 'target' | 'status'>,
  plainProxies: boolean,
): void {
  if (source.kind === 'host' && origin === undefined) {
    throw new RuleIgnored('Its source is a host, so its target has to be an address as well (https://…).')
  }
  const isProxy = origin !== undefined && (status === '200' || status === '404-200')
  if (isProxy && !plainProxies && !/^https:/i.test(origin)) {
    throw new RuleIgnored(
      'Its target is fetched for the visitor, which is done from https:// alone, unless the operator of the server allows http:// as well (PREAMP_PROXY_HTTP=true).',
    )
  }
  if (origin === undefined && path.texts[0] === '' && path.names.length === 0) {
    throw new RuleIgnored('Its target has no path.')
  }
}

/** Whether it shows the start page wherever there is nothing else: what the console of Amplify proposes for single-page apps. */
export function isSinglePageRule({ source, target, status }: Rule): boolean {
  const isAnywhere = source.kind === 'path' && source.segments.length === 0 && source.wildcardAfter === ''
  return isAnywhere && status === '404-200' && target.path.texts.join() === '/index.html'
}
