import type { PlainDecision } from './answer-action.ts'
import type { Decision, FileDecision, ProxyDecision } from './decide.ts'
import { FileRepresentations } from './file-headers.ts'
import { type ProxyTarget, readProxyTarget } from './proxy-target.ts'

/** A file that is to be sent, with what its answers have in common. */
export type DescribedFile = FileDecision & { representations: FileRepresentations }

/** Undefined for a target that is no URL. */
export type DescribedProxy = ProxyDecision & { target: ProxyTarget | undefined }

/** A decision with all that carrying it out needs and that is the same each time. */
export type DescribedDecision = PlainDecision | DescribedFile | DescribedProxy

export function describe(decision: Decision): DescribedDecision {
  if (decision.kind === 'file') return { ...decision, representations: new FileRepresentations(decision) }
  if (decision.kind === 'proxy') return { ...decision, target: readProxyTarget(decision.url) }
  return decision
}
