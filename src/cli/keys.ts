import type { Command } from 'commander'

import { UsageError } from '../config.ts'
import { newKeyPair } from '../first-key.ts'
import { adminPolicy } from '../model/managed-policies.ts'
import {
  deleteAccessKey,
  insertAccessKey,
  listAccessKeys,
  setAccessKeyEnabled,
} from '../store/access-keys.ts'
import type { AccessKeyRow } from '../store/schema.ts'
import { addSettings, configOf } from './settings-options.ts'
import { withState } from './stored-state.ts'
import { printTable } from './table.ts'

const stateSettings = ['dataDir', 'masterKeyFile'] as const

/** `preamp keys`: the access keys, in the database itself; a running server sees the change with the next request. */
export function register(program: Command): void {
  const keys = program.command('keys').description('Create, list, disable, enable and delete access keys.')
  const create = addSettings(keys.command('create'), [...stateSettings, 'accountId'])
  create
    .description('Create a key and print its secret, which is shown this once.')
    .option('--description <text>', 'what the key is for', '')
    .option('--days <number>', 'how many days the key is valid (default: for ever)')
    .action((options: CreateOptions) => createKey(create, options))

  const list = addSettings(keys.command('list').description('List the keys, without secrets.'), stateSettings)
  list.action(() => listKeys(list))

  const change = (
    name: string,
    description: string,
    act: (command: Command, id: string) => Promise<void>,
  ) => {
    const command = addSettings(keys.command(name).description(description), stateSettings)
    command.argument('<access-key-id>').action((id: string) => act(command, id))
  }
  change('disable', 'Refuse requests signed with the key from now on.', (command, id) =>
    setEnabled(command, id, false),
  )
  change('enable', 'Accept the key again.', (command, id) => setEnabled(command, id, true))
  change('delete', 'Forget the key.', deleteKey)
}

interface CreateOptions {
  description: string
  days?: string
}

async function createKey(command: Command, { description, days }: CreateOptions): Promise<void> {
  const config = configOf(command)
  const now = Date.now()
  const expiresAt = days === undefined ? null : now + daysInMilliseconds(days)
  const pair = newKeyPair()
  await withState(config, { create: true }, ({ database, secrets }) =>
    insertAccessKey(database.queries, {
      accessKeyId: pair.accessKeyId,
      accountId: config.accountId,
      secret: secrets.seal(pair.secretAccessKey),
      description,
      userName: 'admin',
      policies: [adminPolicy],
      sessionToken: null,
      enabled: true,
      expiresAt,
      createdAt: now,
    }),
  )
  console.log(`aws_access_key_id = ${pair.accessKeyId}\naws_secret_access_key = ${pair.secretAccessKey}`)
}

function daysInMilliseconds(days: string): number {
  const number = Number(days)
  if (!(number > 0 && number <= 36_500))
    throw new UsageError(`--days ${days}: must be more than 0 and at most 36500`)
  return number * 24 * 3600 * 1000
}

async function listKeys(command: Command): Promise<void> {
  const rows = await withState(configOf(command), { create: false }, ({ database }) =>
    listAccessKeys(database.queries),
  )
  const lines = rows.map((row) => [
    row.accessKeyId,
    row.accountId,
    stateOf(row, Date.now()),
    new Date(row.createdAt).toISOString(),
    row.expiresAt === null ? 'never' : new Date(row.expiresAt).toISOString(),
    row.description,
  ])
  printTable(['KEY', 'ACCOUNT', 'STATE', 'CREATED', 'EXPIRES', 'DESCRIPTION'], lines)
}

export function stateOf(row: Pick<AccessKeyRow, 'enabled' | 'expiresAt'>, now: number): string {
  if (!row.enabled) return 'disabled'
  return row.expiresAt !== null && row.expiresAt <= now ? 'expired' : 'enabled'
}

async function setEnabled(command: Command, id: string, enabled: boolean): Promise<void> {
  const found = await withState(configOf(command), { create: false }, ({ database }) =>
    setAccessKeyEnabled(database.queries, id, enabled),
  )
  if (!found) throw new UsageError(`There is no key ${id}. List them with: preamp keys list`)
  console.log(`${id} is ${enabled ? 'enabled' : 'disabled'}.`)
}

async function deleteKey(command: Command, id: string): Promise<void> {
  const found = await withState(configOf(command), { create: false }, ({ database }) =>
    deleteAccessKey(database.queries, id),
  )
  if (!found) throw new UsageError(`There is no key ${id}. List them with: preamp keys list`)
  console.log(`${id} is deleted.`)
}
