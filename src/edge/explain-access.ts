import { appOptionsOf } from '../model/app-options.ts'
import type { CredentialsState } from '../model/credentials-verifier.ts'
import type { ExplainedAccess, ExplainQuestion } from '../model/explanation.ts'
import type { SiteRow } from '../store/deployments.ts'
import { type AccessRefusal, refuseAccess } from './access.ts'
import { refuse } from './pages.ts'
import type { Site } from './site.ts'

export interface AccessOptions {
  credentialsKey: Uint8Array
  /** What the sealed secrets of an app or a branch hold. */
  credentialsState(sealed: string | null): CredentialsState
}

/** Where there are lists and nothing says from where the visitor comes, they are left out: who asks wants to know the rest. */
export function explainAccess(
  { app, branch }: SiteRow,
  { access }: Site,
  { address, headers }: ExplainQuestion,
  { credentialsKey, credentialsState }: AccessOptions,
): ExplainedAccess {
  const looked = address === undefined ? { ...access, allowed: [], denied: [] } : access
  const authorization = headers['authorization'] ?? null
  const refusal = refuseAccess(looked, { address, authorization }, credentialsKey)
  const asking = access.askedBy && { app, branch }[access.askedBy]
  const reasonOf = (what: AccessRefusal) =>
    what === 'unauthorized'
      ? whyUnauthorized(authorization, asking ? credentialsState(asking.secrets) : 'none')
      : reasons[what]
  const { allowedAddresses, deniedAddresses, maintenance } = appOptionsOf(app)
  return {
    password: access.askedBy,
    allowedAddresses,
    deniedAddresses,
    maintenance,
    refusal: refusal && { status: refuse(refusal, false).facts.status, reason: reasonOf(refusal) },
  }
}

const reasons: Record<Exclude<AccessRefusal, 'unauthorized'>, string> = {
  forbidden: 'The address lists of the app keep this address out.',
  maintenance: 'The option maintenance of the app is on.',
}

const nobodysReasons: Record<Exclude<CredentialsState, 'pair'>, string> = {
  none: 'Nobody is let in: the password is asked for, and basicAuthCredentials has never been set.',
  'no-pair':
    'Nobody is let in: what is stored as basicAuthCredentials is not base64 of name:password. Set it anew.',
  unreadable: 'Nobody is let in: the stored credentials cannot be read. Set basicAuthCredentials anew.',
}

function whyUnauthorized(authorization: string | null, state: CredentialsState): string {
  if (state !== 'pair') return nobodysReasons[state]
  if (authorization === null) return 'The password is asked for, and the visit does not bring it.'
  return /^basic /i.test(authorization)
    ? 'The password is asked for, and the visit brings another name or password.'
    : 'The password is asked for, and the header Authorization of the visit is not of the kind Basic.'
}
