import {
  type KyselyPlugin,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type PrimitiveValueListNode,
  type QueryResult,
  type RootOperationNode,
  type UnknownRow,
  type ValueNode,
} from 'kysely'

/** Columns by what they hold. A column name means the same in every table. */
const booleanColumns = new Set(['enabled', 'commandsStarted', 'verified', 'owned'])
const jsonColumns = new Set(['settings', 'tags', 'policies', 'checks', 'parameters'])
const integerColumns = new Set([
  'expiresAt',
  'createdAt',
  'deployedAt',
  'updatedAt',
  'startedAt',
  'endedAt',
  'commitTime',
  'leaseExpiresAt',
  'ownedAt',
  'checkingSince',
  'nextCheckAt',
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
 * The one place that converts between the code's types and the databases': booleans are 0 or 1, objects are JSON text,
 * integers come back as numbers although PostgreSQL's driver hands out 64-bit ones as text, and a NUL in text, which only
 * SQLite could keep, becomes U+FFFD.
 */
export class ColumnTypes implements KyselyPlugin {
  readonly #parameters = new ParameterEncoder()

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    return this.#parameters.transformNode(node, queryId)
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    for (const row of result.rows) decodeRow(row)
    return result
  }
}

function decodeRow(row: UnknownRow): void {
  for (const [column, value] of Object.entries(row)) {
    if (value === null || value === undefined) continue
    if (booleanColumns.has(column)) row[column] = Boolean(Number(value))
    else if (integerColumns.has(column)) row[column] = Number(value)
    else if (jsonColumns.has(column) && typeof value === 'string') row[column] = JSON.parse(value)
  }
}

class ParameterEncoder extends OperationNodeTransformer {
  protected override transformValue(node: ValueNode): ValueNode {
    return { ...node, value: encodeParameter(node.value) }
  }

  protected override transformPrimitiveValueList(node: PrimitiveValueListNode): PrimitiveValueListNode {
    return { ...node, values: node.values.map(encodeParameter) }
  }
}

function encodeParameter(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value !== null && typeof value === 'object') return JSON.stringify(value)
  // PostgreSQL keeps no NUL in text, and what a client sent once must not be an error of ours. JSON writes it as an escape.
  if (typeof value === 'string' && value.includes('\0')) return value.replaceAll('\0', '\uFFFD')
  return value
}
