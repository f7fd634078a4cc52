import type { Decision, Question } from './decide.ts'

/** What browsers follow, about. */
const stepsMax = 20

/**
 * Says of a redirect whether it leads back to itself, also by way of others on this host. Rules that do are saved, as on AWS.
 * @param decideAt what is decided there, by the function that serves, and the rule it comes from
 */
export function explainCircle(
  url: string,
  decideAt: (question: Pick<Question, 'method' | 'url'>) => { decision: Decision; rule: string | undefined },
): string[] {
  const start = new URL(url)
  const visited = new Map<string, number>()
  const way: string[] = []
  for (let at = start; at.hostname === start.hostname;) {
    const place = at.pathname + at.search
    const first = visited.get(place)
    if (first !== undefined) {
      return [
        `The redirects go in a circle: ${[...way.slice(first), place].join(' → ')}. Browsers give up after some rounds.`,
      ]
    }
    if (way.length >= stepsMax) {
      return [`The redirects do not end: after ${stepsMax} of them ${place} is redirected still.`]
    }
    const { decision, rule } = decideAt({ method: 'GET', url: at.href })
    if (decision.kind !== 'redirect') return []
    visited.set(place, way.length)
    way.push(rule === undefined ? place : `${place} (${rule})`)
    const next = URL.parse(decision.location, at.href)
    if (!next) return []
    next.hash = ''
    at = next
  }
  return []
}
