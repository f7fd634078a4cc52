import type { ExplainedHeader, ExplainQuestion } from '../model/explanation.ts'
import { chooseEncoding } from './accept-encoding.ts'
import { answerPlainly } from './answer-action.ts'
import type { Decision, FileDecision } from './decide.ts'
import { isDocument } from './edge.ts'
import { FileRepresentations } from './file-headers.ts'
import type { HeaderRules, HeaderSet } from './header-rules.ts'
import { withHeaders } from './pages.ts'
import { requestIdHeader } from './request-id.ts'
import type { Site } from './site.ts'
import { pinVisitor } from './skew-protection.ts'

/**
 * The headers of an answer, but for those of the connection, with where each comes from. Of what is fetched from elsewhere
 * only what the site adds is known.
 * @param visit.byRule whether a rule decided
 * @param visit.byHttps whether the visitor came by HTTPS
 */
export function explainHeaders(
  decision: Decision,
  { method, headers: sent }: ExplainQuestion,
  site: Site,
  { byRule, byHttps }: { byRule: boolean; byHttps: boolean },
): ExplainedHeader[] {
  const header = (name: string) => sent[name] ?? null
  const answered = headersOf(decision, method, header('accept-encoding'))
  const { deployment, skewProtected } = site
  if (skewProtected && deployment && decision.kind === 'file' && isDocument(decision)) {
    const { deploymentId } = deployment
    pinVisitor(answered, { header }, { deploymentId, isSecure: () => byHttps })
  }
  answered.set(requestIdHeader, 'another one for each answer')
  return [...answered].map(([name, value]) => {
    const origin = originOf(name, value, decision.headers, site.headers)
    const isOfRule = byRule && name === 'location' && origin.origin === 'default'
    return { name, value, ...origin, ...(isOfRule && { origin: 'rule' as const }) }
  })
}

function headersOf(decision: Decision, method: string, acceptEncoding: string | null): Headers {
  if (decision.kind === 'file') return new Headers(ofFile(decision, acceptEncoding))
  if (decision.kind !== 'proxy') return new Headers(answerPlainly(decision, method === 'HEAD').headers)
  // What is answered there is not asked; a success is taken for granted.
  const { status = 200, headers } = decision
  const added = new Headers(
    headers.isPersonal ? { 'cache-control': 'private, with what is answered there' } : {},
  )
  return withHeaders({ headers: added, body: null, facts: { status } }, headers).headers
}

function ofFile(decision: FileDecision, acceptEncoding: string | null): Headers {
  const known = new FileRepresentations(decision)
  const encoding = chooseEncoding(acceptEncoding)
  return known.in(known.compressible ? encoding : 'identity').headers
}

/** A header that is sent with the value of a custom one is that one: the last pattern that has it decides. */
function originOf(
  name: string,
  value: string,
  { headers, patterns }: HeaderSet,
  { entries, source }: HeaderRules,
): Pick<ExplainedHeader, 'origin' | 'pattern'> {
  const place = patterns.findLast((at) => entries[at]!.headers.some(({ key }) => key.toLowerCase() === name))
  if (place === undefined || headers[name] !== value) return { origin: 'default', pattern: undefined }
  return { origin: source, pattern: entries[place]!.pattern }
}
