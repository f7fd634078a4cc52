import { lookUpRewrite } from '../model/static-lookup.ts'
import { matchRule, type RuleRequest } from './match.ts'
import { outcomeOf } from './outcome.ts'
import { requestBudget } from './pattern/bounded-search.ts'
import { readRequestPath } from './request-path.ts'
import type { Rule } from './rule.ts'
import type { Rules } from './rules.ts'

const request: RuleRequest = {
  host: '',
  path: readRequestPath('/')!,
  query: '',
  country: () => undefined,
  header: () => null,
}

/** Whether visitors of `/` see something, by a file or by a rule, at least those of whom its condition speaks. */
export function hasStartPage(files: { has(path: string): boolean }, { first, last }: Rules): boolean {
  const budget = requestBudget()
  const leadsSomewhere = (rule: Rule): boolean => {
    const values = matchRule({ ...rule, condition: undefined }, request, budget)
    if (typeof values === 'string') return false
    const outcome = outcomeOf(rule, request, values)
    return outcome.kind !== 'rewrite' || lookUpRewrite(files, outcome.path) !== undefined
  }
  return files.has('index.html') || first.all.some(leadsSomewhere) || last.all.some(leadsSomewhere)
}
