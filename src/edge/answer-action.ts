import type { Answer } from './answer.ts'
import { defaultCacheControl } from './cache-control.ts'
import type { Decision, FileDecision, ProxyDecision } from './decide.ts'
import { answerOptions, methodNotAllowed, noStartPage, redirect, refuse, withHeaders } from './pages.ts'

/** What is decided to be answered without a file and without asking anybody. */
export type PlainDecision = Exclude<Decision, FileDecision | ProxyDecision>

/** @param head the request is a HEAD */
export function answerPlainly(decision: PlainDecision, head: boolean): Answer {
  if (decision.kind !== 'redirect') return withHeaders(act(decision, head), decision.headers)
  let known = redirects.get(decision)
  if (!known) {
    known = withHeaders(act(decision, head), decision.headers)
    redirects.set(decision, known)
  }
  return known
}

/** Decisions for addresses that are asked for again are the same objects. */
const redirects = new WeakMap<PlainDecision, Answer>()

function act(decision: PlainDecision, head: boolean): Answer {
  switch (decision.kind) {
    case 'redirect':
      return redirect(decision.status, decision.location, defaultCacheControl(decision.headers))
    case 'options':
      return answerOptions()
    case 'method-not-allowed':
      return methodNotAllowed()
    case 'no-start-page':
      return noStartPage(decision.folder, head)
    default:
      return refuse(decision.kind, head)
  }
}
