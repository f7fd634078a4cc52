import type { OperationName } from '../../src/api/operation.ts'
import { operations } from '../../src/api/operations.ts'

/** Operations that answer NotImplemented. */
const notYet = new Set<OperationName>(['GenerateAccessLogs'])

export const implemented = (Object.keys(operations) as OperationName[]).filter((name) => !notYet.has(name))
