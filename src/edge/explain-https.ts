import type { ExplainedHttps, ExplainQuestion } from '../model/explanation.ts'
import { redirectToHttps } from './https-redirect.ts'
import { readScheme, type Scheme, schemeOf } from './visitors.ts'

/** How visitors come to the edges of a server. */
export interface Arrival {
  /** Port of the sites' HTTPS address; undefined where they have none. */
  httpsPort: number | undefined
  /** Whether TLS ends at the edges. */
  endsTls: boolean
  /** Whether there are proxies in front, whose word is taken. */
  isProxied: boolean
}

/**
 * Whether the visitor is sent to HTTPS. A URL has a scheme, and an edge may not see it: where TLS ends in front of it, it must be told
 * by a trusted proxy, in a header that the question may hold.
 */
export function explainHttps(question: ExplainQuestion, arrival: Arrival): ExplainedHttps | undefined {
  const { httpsPort } = arrival
  if (httpsPort === undefined) return undefined
  const { scheme, reason } = schemeOfVisit(question, arrival)
  const answer = redirectToHttps(question, { scheme: () => scheme }, httpsPort)
  return {
    scheme,
    redirect: answer && { status: answer.facts.status, location: answer.headers.get('location')! },
    reason,
  }
}

const reasons: Record<Scheme, string> = {
  http: 'Who comes by plain HTTP is sent to the same address by HTTPS.',
  https: 'Who comes by HTTPS is sent nowhere.',
}

/** Whoever asks with the header means a visit through a trusted proxy, where there is one. */
function schemeOfVisit(
  question: ExplainQuestion,
  { endsTls, isProxied }: Arrival,
): { scheme: Scheme | undefined; reason: string } {
  const told = question.headers['x-forwarded-proto']
  if (isProxied && told !== undefined) {
    const scheme = readScheme(told)
    const reason = scheme
      ? reasons[scheme]
      : 'X-Forwarded-Proto tells neither http nor https: nobody is sent anywhere.'
    return { scheme, reason }
  }
  const scheme = schemeOf(question)
  if (endsTls) return { scheme, reason: reasons[scheme] }
  if (isProxied) {
    const assumed = `That it is ${scheme} comes from the URL; a trusted proxy has to tell it in X-Forwarded-Proto.`
    return { scheme, reason: `${reasons[scheme]} ${assumed}` }
  }
  const reason =
    'Nothing tells whether the visitor comes by HTTPS, as TLS does not end here: nobody is sent anywhere. A trusted proxy may tell it in X-Forwarded-Proto (PREAMP_TRUSTED_PROXIES).'
  return { scheme: undefined, reason }
}

/** Whether who sees the answer came by HTTPS. Who was sent there has. */
export function comesByHttps(
  question: ExplainQuestion,
  https: ExplainedHttps | undefined,
  arrival: Arrival,
): boolean {
  return https?.redirect !== undefined || schemeOfVisit(question, arrival).scheme === 'https'
}
