import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'

import type { Config } from './config.ts'
import { type DataDirectory, writePrivateFile } from './data-directory.ts'
import { adminPolicy } from './model/managed-policies.ts'
import { deleteAccessKey, findAccessKey, insertAccessKey, listAccessKeys } from './store/access-keys.ts'
import type { Database, Queries } from './store/database.ts'
import { type SecretBox, UnreadableSecret } from './store/secret-box.ts'
import { UsageError } from './usage-error.ts'

export interface KeyPair {
  accessKeyId: string
  secretAccessKey: string
}

/**
 * A key id and a secret of the lengths and alphabets of AWS's own.
 * @param prefix AKIA for a permanent key, ASIA for a temporary one
 */
export function newKeyPair(prefix: 'AKIA' | 'ASIA' = 'AKIA'): KeyPair {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const id = Array.from(randomBytes(16), (byte) => letters[byte % letters.length]).join('')
  return { accessKeyId: `${prefix}${id}`, secretAccessKey: randomBytes(30).toString('base64') }
}

/**
 * Makes the first key: the one given by settings, whose secret then is what the settings say, or, where no key exists at
 * all, a new one. The file `credentials` (AWS profile format, mode 0600) is written whenever a key was made here.
 * @throws {UsageError} when the master key is not the one with which earlier keys were stored
 */
export async function ensureFirstKey(
  database: Database,
  secrets: SecretBox,
  directory: DataDirectory,
  config: Pick<Config, 'accessKeyId' | 'secretAccessKey' | 'accountId'>,
): Promise<void> {
  const { accessKeyId, secretAccessKey } = config
  await assertMasterKeyFits(database.queries, secrets)
  const given = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined
  const made = await database.transaction(async (transaction) => {
    if (given) return (await isStored(transaction, secrets, given)) ? undefined : given
    return (await listAccessKeys(transaction)).length === 0 ? newKeyPair() : undefined
  })
  if (made) {
    // The file comes first: a key in the database whose secret nobody was told would lock its owner out.
    writePrivateFile(directory.credentials, credentialsFile(made))
    await database.transaction((transaction) => store(transaction, secrets, made, config.accountId))
  } else if (given && !existsSync(directory.credentials)) {
    writePrivateFile(directory.credentials, credentialsFile(given))
  }
}

async function assertMasterKeyFits(queries: Queries, secrets: SecretBox): Promise<void> {
  const [earliest] = await listAccessKeys(queries)
  if (!earliest) return
  try {
    secrets.open(earliest.secret)
  } catch (error) {
    if (!(error instanceof UnreadableSecret)) throw error
    throw new UsageError(
      'The master key is not the one with which this server’s secrets were stored. Put that one back (`master.key` of the data directory, or PREAMP_MASTER_KEY_FILE).',
    )
  }
}

async function isStored(queries: Queries, secrets: SecretBox, pair: KeyPair): Promise<boolean> {
  const row = await findAccessKey(queries, pair.accessKeyId)
  return row !== undefined && secrets.open<string>(row.secret) === pair.secretAccessKey
}

async function store(queries: Queries, secrets: SecretBox, pair: KeyPair, accountId: string): Promise<void> {
  await deleteAccessKey(queries, pair.accessKeyId)
  await insertAccessKey(queries, {
    accessKeyId: pair.accessKeyId,
    accountId,
    secret: secrets.seal(pair.secretAccessKey),
    description: 'first key',
    userName: 'admin',
    policies: [adminPolicy],
    sessionToken: null,
    enabled: true,
    expiresAt: null,
    createdAt: Date.now(),
  })
}

function credentialsFile({ accessKeyId, secretAccessKey }: KeyPair): string {
  return `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
}
