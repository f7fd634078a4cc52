import type { Command } from 'commander'

import { newKeyPair } from '../first-key.ts'
import { newSessionToken } from '../model/ids.ts'
import { adminPolicy } from '../model/managed-policies.ts'
import {
  changeAccessKey,
  deleteAccessKey,
  findAccessKey,
  insertAccessKey,
  listAccessKeys,
} from '../store/access-keys.ts'
import type { AccessKeyRow } from '../store/schema.ts'
import { UsageError } from '../usage-error.ts'
import {
  addPermissionOptions,
  type PermissionOptions,
  permissionsInShort,
  permissionsOf,
} from './key-permissions.ts'
import { addSettings, configOf } from './settings-options.ts'
import { withState } from './stored-state.ts'
import { printTable } from './table.ts'

const stateSettings = ['dataDir', 'masterKeyFile'] as const

/** `preamp keys`: the access keys, in the database itself; a running server sees the change with the next request. */
export function register(program: Command): void {
  const keys = program
    .command('keys')
    .description('Create, list, disable, enable and delete access keys, and say what they may do.')
  const create = addSettings(keys.command('create'), [...stateSettings, 'accountId'])
  create
    .description('Create a key and print its secret, which is shown this once.')
    .option('--description <text>', 'what the key is for', '')
    .option(
      '--user-name <name>',
      'who holds the key, in ARNs and the audit log (default: name of the policy)',
    )
    .option('--days <number>', 'how many days the key is valid (default: for ever)')
    .option('--temporary', 'make temporary credentials with a session token')
    .option('--hours <number>', 'how many hours temporary credentials are valid (default: 1)')
  addPermissionOptions(create).action((options: CreateOptions) => createKey(create, options))

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
  change('policy', 'Print the policy documents of the key.', printPolicies)

  const setPolicy = addSettings(keys.command('set-policy'), stateSettings)
    .description('Change what the key may do, from its next request on.')
    .argument('<access-key-id>')
  addPermissionOptions(setPolicy).action((id: string, options: PermissionOptions) =>
    setPolicies(setPolicy, id, options),
  )
}

interface CreateOptions extends PermissionOptions {
  description: string
  userName?: string
  days?: string
  temporary?: boolean
  hours?: string
}

async function createKey(command: Command, options: CreateOptions): Promise<void> {
  const config = configOf(command)
  const policies = permissionsOf(options) ?? [adminPolicy]
  const userName = userNameOf(options)
  const now = Date.now()
  const validMilliseconds = validityOf(options)
  const pair = newKeyPair(options.temporary ? 'ASIA' : 'AKIA')
  const sessionToken = options.temporary ? newSessionToken() : undefined
  await withState(config, { create: true }, ({ database, secrets }) =>
    insertAccessKey(database.queries, {
      accessKeyId: pair.accessKeyId,
      accountId: config.accountId,
      secret: secrets.seal(pair.secretAccessKey),
      description: options.description,
      userName,
      policies,
      sessionToken: sessionToken === undefined ? null : secrets.seal(sessionToken),
      enabled: true,
      expiresAt: validMilliseconds === undefined ? null : now + validMilliseconds,
      createdAt: now,
    }),
  )
  console.log(`aws_access_key_id = ${pair.accessKeyId}\naws_secret_access_key = ${pair.secretAccessKey}`)
  if (sessionToken !== undefined) console.log(`aws_session_token = ${sessionToken}`)
}

/** IAM's alphabet and length of user names. */
function userNameOf({ userName, policy = 'admin', policyFile }: CreateOptions): string {
  if (userName === undefined) {
    if (policyFile === undefined) return policy
    throw new UsageError('--policy-file: say who holds the key with --user-name.')
  }
  if (!/^[A-Za-z0-9_+=,.@-]{1,64}$/.test(userName)) {
    throw new UsageError(`--user-name ${userName}: must be 1 to 64 letters, digits and _+=,.@-`)
  }
  return userName
}

const hourMilliseconds = 3600 * 1000
const temporaryHoursMax = 36

/** Undefined for ever. */
function validityOf({ days, temporary = false, hours }: CreateOptions): number | undefined {
  if (temporary) {
    if (days !== undefined) throw new UsageError('--days is not for --temporary: use --hours.')
    return positive('--hours', hours ?? '1', temporaryHoursMax) * hourMilliseconds
  }
  if (hours !== undefined) throw new UsageError('--hours belongs to --temporary.')
  return days === undefined ? undefined : positive('--days', days, 36_500) * 24 * hourMilliseconds
}

function positive(flag: string, text: string, max: number): number {
  const number = Number(text)
  if (!(number > 0 && number <= max))
    throw new UsageError(`${flag} ${text}: must be more than 0 and at most ${max}`)
  return number
}

async function listKeys(command: Command): Promise<void> {
  const rows = await withState(configOf(command), { create: false }, ({ database }) =>
    listAccessKeys(database.queries),
  )
  const lines = rows.map((row) => [
    row.accessKeyId,
    row.accountId,
    row.userName,
    permissionsInShort(row.policies),
    stateOf(row, Date.now()),
    new Date(row.createdAt).toISOString(),
    row.expiresAt === null ? 'never' : new Date(row.expiresAt).toISOString(),
    row.description,
  ])
  printTable(['KEY', 'ACCOUNT', 'USER', 'PERMISSIONS', 'STATE', 'CREATED', 'EXPIRES', 'DESCRIPTION'], lines)
}

export function stateOf(row: Pick<AccessKeyRow, 'enabled' | 'expiresAt'>, now: number): string {
  if (!row.enabled) return 'disabled'
  return row.expiresAt !== null && row.expiresAt <= now ? 'expired' : 'enabled'
}

async function setEnabled(command: Command, id: string, enabled: boolean): Promise<void> {
  const found = await withState(configOf(command), { create: false }, ({ database }) =>
    changeAccessKey(database.queries, id, { enabled }),
  )
  if (!found) throw unknownKey(id)
  console.log(`${id} is ${enabled ? 'enabled' : 'disabled'}.`)
}

async function deleteKey(command: Command, id: string): Promise<void> {
  const found = await withState(configOf(command), { create: false }, ({ database }) =>
    deleteAccessKey(database.queries, id),
  )
  if (!found) throw unknownKey(id)
  console.log(`${id} is deleted.`)
}

async function printPolicies(command: Command, id: string): Promise<void> {
  const row = await withState(configOf(command), { create: false }, ({ database }) =>
    findAccessKey(database.queries, id),
  )
  if (!row) throw unknownKey(id)
  for (const policy of row.policies) console.log(JSON.stringify(policy, null, 2))
}

async function setPolicies(command: Command, id: string, options: PermissionOptions): Promise<void> {
  const policies = permissionsOf(options)
  if (!policies) throw new UsageError('Say what the key may do with --policy or --policy-file.')
  const found = await withState(configOf(command), { create: false }, ({ database }) =>
    changeAccessKey(database.queries, id, { policies }),
  )
  if (!found) throw unknownKey(id)
  console.log(`Permissions of ${id}: ${permissionsInShort(policies)}.`)
}

const unknownKey = (id: string) => new UsageError(`There is no key ${id}. List them with: preamp keys list`)
