import type { PolicyDocument } from '../model/policy-document.ts'
import { findAccessKey } from '../store/access-keys.ts'
import type { Database } from '../store/database.ts'
import type { SecretBox } from '../store/secret-box.ts'

export interface SigningKey {
  accessKeyId: string
  accountId: string
  userName: string
  policies: PolicyDocument[]
  secretAccessKey: string
  enabled: boolean
  /** Epoch milliseconds; null for never. */
  expiresAt: number | null
}

export type FindKey = (accessKeyId: string) => Promise<SigningKey | undefined>

const openedSecretsMax = 1000

/**
 * Looks keys up in the store. The row is read for each request, so that a key that was disabled or deleted stops working
 * with the next one; only the decryption of its secret is remembered, by the sealed text.
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
      enabled,
      expiresAt,
    }
  }
}
