import type { ExplainedHeader, ExplainQuestion } from '../model/explanation.ts'
import { chooseEncoding } from './accept-encoding.ts'
import { answerPlainly } from './answer-action.ts'
import type { Decision, FileDecision } from './decide.ts'
import { FileRepresentations } from './file-headers.ts'
import type { HeaderRules, HeaderSet } from './header-rules.ts'
import { requestIdHeader } from './request-id.ts'

/**
 * The headers of an answer, but for those of the connection, with where each comes from. Of what is fetched from elsewhere
 * only what the site adds is known.
 * @param byRule whether a rule decided
 */
export function explainHeaders(
  decision: Decision,
  { method, headers: sent }: ExplainQuestion,
  rules: HeaderRules,
  byRule: boolean,
): ExplainedHeader[] {
  const answered = headersOf(decision, method, sent['accept-encoding'] ?? null)
  answered.set(requestIdHeader, 'another one for each answer')
  return [...answered].map(([name, value]) => {
    const origin = originOf(name, value, decision.headers, rules)
    const isOfRule = byRule && name === 'location' && origin.origin === 'default'
    return { name, value, ...origin, ...(isOfRule && { origin: 'rule' as const }) }
  })
}

function headersOf(decision: Decision, method: string, acceptEncoding: string | null): Headers {
  if (decision.kind === 'file') return new Headers(ofFile(decision, acceptEncoding))
  if (decision.kind !== 'proxy') return new Headers(answerPlainly(decision, method === 'HEAD').headers)
  const { 'cache-control': cacheControl, ...added } = decision.headers.headers
  // As far as is known: it is for successes alone, and what is answered there is not asked.
  const isKept = decision.status === undefined && cacheControl !== undefined
  return new Headers({ ...added, ...(isKept && { 'cache-control': cacheControl }) })
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
