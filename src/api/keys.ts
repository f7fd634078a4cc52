import type { PolicyDocument } from '../model/policy-document.ts'
import { findAccessKey } from '../store/access-keys.ts'
import type { Database } from '../store/database.ts'
import type { SecretBox } from '../store/secret-box.ts'
import { equalInConstantTime } from './constant-time.ts'
import { ExpiredTokenException, UnauthorizedException, UnrecognizedClientException } from './errors.ts'

export interface SigningKey {
  accessKeyId: string
  accountId: string
  userName: string
  policies: PolicyDocument[]
  secretAccessKey: string
  /** Undefined for a permanent key. */
  sessionToken: string | undefined
  enabled: boolean
  /** Epoch milliseconds; null for never. */
  expiresAt: number | null
}

export type FindKey = (accessKeyId: string) => Promise<SigningKey | undefined>

const openedSecretsMax = 1000

/**
 * Looks keys up in the store. The row is read for each request, so that a key that was disabled or deleted stops working
 * with the next one; only the decryption of its secrets is remembered, by the sealed text.
 */
export function keyFinder(database: Pick<Database, 'queries'>, secrets: SecretBox): FindKey {
  const opened = new Map<string, string>()
  const open = (sealed: string) => {
    const known = opened.get(sealed)
    if (known !== undefined) return known
    const secret = secrets.open<string>(sealed)
    if (opened.size >= openedSecretsMax) opened.clear()
    opened.set(sealed, secret)
    return secret
  }
  return async (accessKeyId) => {
    const row = await findAccessKey(database.queries, accessKeyId)
    if (!row) return undefined
    const { accountId, userName, policies, enabled, expiresAt } = row
    return {
      accessKeyId,
      accountId,
      userName,
      policies,
      secretAccessKey: open(row.secret),
      sessionToken: row.sessionToken === null ? undefined : open(row.sessionToken),
      enabled,
      expiresAt,
    }
  }
}

/**
 * Checks what may keep a key from being used although its secret signed.
 * @param sessionToken as the request brought it
 * @param now epoch milliseconds
 * @throws {UnauthorizedException} for a key that is disabled, and for a permanent one that is over
 * @throws {UnrecognizedClientException} for a temporary key without its token, and for a permanent one with any
 * @throws {ExpiredTokenException} for a temporary key that is over
 */
export function checkUsable(key: SigningKey, sessionToken: string | undefined, now: number): void {
  const { accessKeyId, enabled, expiresAt } = key
  if (!enabled) throw new UnauthorizedException(`The access key ${accessKeyId} is disabled.`)
  checkSessionToken(key, sessionToken)
  if (expiresAt === null || now < expiresAt) return
  if (key.sessionToken !== undefined) {
    throw new ExpiredTokenException('The security token included in the request is expired')
  }
  throw new UnauthorizedException(`The access key ${accessKeyId} has expired.`)
}

function checkSessionToken({ accessKeyId, sessionToken }: SigningKey, given: string | undefined): void {
  const refusal = 'The security token included in the request is invalid.'
  if (sessionToken === undefined) {
    if (given === undefined) return
    throw new UnrecognizedClientException(
      `${refusal} The access key ${accessKeyId} is permanent and has no session token: unset AWS_SESSION_TOKEN.`,
    )
  }
  if (given === undefined || !equalInConstantTime(given, sessionToken)) {
    throw new UnrecognizedClientException(refusal)
  }
}
