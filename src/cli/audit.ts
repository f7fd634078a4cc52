import type { Command } from 'commander'

import { listAuditEvents } from '../store/audit-events.ts'
import type { AuditEventRow } from '../store/schema.ts'
import { UsageError } from '../usage-error.ts'
import { addSettings, configOf } from './settings-options.ts'
import { withState } from './stored-state.ts'
import { printTable } from './table.ts'

interface AuditOptions {
  since?: string
  operation?: string
  app?: string
  key?: string
  failed?: true
  limit: string
  json?: true
}

/** `preamp audit`: the calls that changed something, from the database itself, beside a running server or without one. */
export function register(program: Command): void {
  const command = program
    .command('audit')
    .description(
      'Show who called what: every call of the API to change something, done or refused, newest first.',
    )
    .option('--since <time>', 'not before this time, for example 2026-11-25 or 2026-11-25T14:00:00Z')
    .option('--operation <name>', 'one operation alone, for example DeleteJob')
    .option('--app <id>', 'one app alone')
    .option('--key <id>', 'one access key alone')
    .option('--failed', 'refused and failed calls alone')
    .option('--limit <number>', 'how many at the most', '100')
    .option('--json', 'one JSON object a line, with the parameters of each call')
  addSettings(command, ['dataDir', 'masterKeyFile', 'accountId', 'region']).action((options: AuditOptions) =>
    audit(command, options),
  )
}

async function audit(command: Command, options: AuditOptions): Promise<void> {
  const config = configOf(command)
  const limit = Number(options.limit)
  if (!(Number.isInteger(limit) && limit > 0)) {
    throw new UsageError(`--limit ${options.limit}: must be a whole number above 0`)
  }
  const filter = {
    since: options.since === undefined ? undefined : timeOf(options.since),
    operation: options.operation,
    accessKeyId: options.key,
    resourcePrefix: options.app && `arn:aws:amplify:${config.region}:${config.accountId}:apps/${options.app}`,
    failedOnly: options.failed,
  }
  const rows = await withState(config, { create: false }, ({ database }) =>
    listAuditEvents(database.queries, { accountId: config.accountId }, { limit }, filter),
  )
  if (options.json) for (const row of rows) console.log(JSON.stringify(row))
  else printTable(['TIME', 'WHO', 'FROM', 'OPERATION', 'RESOURCE', 'RESULT'], rows.map(cells))
}

function timeOf(text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new UsageError(`--since ${text}: must be a time such as 2026-11-25T14:00:00Z`)
  return time
}

function cells(row: AuditEventRow): string[] {
  return [
    new Date(row.createdAt).toISOString(),
    `${row.principal.replace(/^.*:user\//, '')} (${row.accessKeyId})`,
    row.remoteAddress,
    row.operation,
    row.resource,
    row.errorCode ?? 'done',
  ]
}
