import type {
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryResult,
  RootOperationNode,
  UnknownRow,
} from 'kysely'

/** Columns by what they hold. A column name means the same in every table. */
const booleanColumns = new Set(['enabled', 'commandsStarted', 'verified', 'owned', 'skewProtected'])
const jsonColumns = new Set(['settings', 'tags', 'policies', 'checks', 'parameters', 'options', 'event'])
const integerColumns = new Set([
  'expiresAt',
  'createdAt',
  'deployedAt',
  'replacedAt',
  'updatedAt',
  'startedAt',
  'hourStartedAt',
  'servedAt',
  'endedAt',
  'commitTime',
  'leaseExpiresAt',
  'ownedAt',
  'checkingSince',
  'nextCheckAt',
  'nextAttemptAt',
  'deliveredAt',
  'attempts',
  'checkedAt',
  'lastJobNumber',
  'jobCount',
  'jobNumber',
  'statusCode',
  'number',
  'claims',
  'position',
  'files',
  'bytes',
  'count',
])

/**
 * With {@link encodeParameter} the one place that converts between the code's types and the databases': booleans are 0 or
 * 1, objects are JSON text, integers come back as numbers although PostgreSQL's driver hands out 64-bit ones as text, and a
 * NUL in text, which only SQLite could keep, becomes U+FFFD.
 */
export class ColumnTypes implements KyselyPlugin {
  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    return node
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    for (const row of result.rows) decodeRow(row)
    return result
  }
}

function decodeRow(row: UnknownRow): void {
  for (const column in row) {
    const value = row[column]
    if (value === null || value === undefined) continue
    if (booleanColumns.has(column)) row[column] = Boolean(Number(value))
    else if (integerColumns.has(column)) row[column] = Number(value)
    else if (jsonColumns.has(column) && typeof value === 'string') row[column] = JSON.parse(value)
  }
}

/** A value as the databases keep it; query-compiler.ts asks for it. */
export function encodeParameter(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value !== null && typeof value === 'object') return JSON.stringify(value)
  // PostgreSQL keeps no NUL in text, and what a client sent once must not be an error of ours. JSON writes it as an escape.
  if (typeof value === 'string' && value.includes('\0')) return value.replaceAll('\0', '\uFFFD')
  return value
}
