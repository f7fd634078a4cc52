import { limits } from '../../model/limits.ts'
import type { Program } from './program.ts'
import { type Budget, search, type SearchResult } from './search.ts'

/** What is looked at for one request may take so much together; and how often something was given up for it. */
export interface RequestBudget extends Budget {
  overruns: number
}

export function requestBudget(): RequestBudget {
  return { steps: limits.requestPatternStepsMax, overruns: 0 }
}

/**
 * Counts what takes time and is no search: whatever a site's rules can make take long is paid for before it is done.
 * @returns false where nothing is left, which is one overrun, however often it is asked for afterwards
 */
export function spend(budget: RequestBudget, steps: number): boolean {
  if (budget.steps < 0) return false
  budget.steps -= Math.ceil(steps)
  if (budget.steps >= 0) return true
  budget.overruns += 1
  return false
}

/** Searches within what one pattern may take, and within what is left of the request's budget. */
export function searchWithin(program: Program, text: string, budget: RequestBudget): SearchResult {
  const own = { steps: Math.min(limits.patternStepsMax, budget.steps) }
  const before = own.steps
  const result = search(program, text, own)
  budget.steps -= before - Math.max(own.steps, 0)
  if (result === 'over-budget') budget.overruns += 1
  return result
}
