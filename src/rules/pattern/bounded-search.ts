import { limits } from '../../model/limits.ts'
import type { Program } from './program.ts'
import { type Budget, search, type SearchResult } from './search.ts'

/** What the searches of one request may take together, and how many of them were given up. */
export interface RequestBudget extends Budget {
  overruns: number
}

export function requestBudget(): RequestBudget {
  return { steps: limits.requestPatternStepsMax, overruns: 0 }
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
