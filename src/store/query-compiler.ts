import {
  type BinaryOperationNode,
  OperatorNode,
  PostgresQueryCompiler,
  PrimitiveValueListNode,
  SqliteQueryCompiler,
  ValueListNode,
} from 'kysely'

import { encodeParameter } from './columns.ts'

/**
 * Kysely's compilers, which write parameters as the databases keep them, and a look into an empty list as what it is: false,
 * where `in ()` is a syntax error on PostgreSQL. A plugin would do the same with a copy of every query's tree, which was a
 * fifth of what a call of the API took.
 */

export class SqliteCompiler extends SqliteQueryCompiler {
  protected override addParameter(parameter: unknown): void {
    super.addParameter(encodeParameter(parameter))
  }

  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const constant = ofEmptyList(node)
    if (constant === undefined) super.visitBinaryOperation(node)
    else this.append(constant)
  }
}

export class PostgresCompiler extends PostgresQueryCompiler {
  protected override addParameter(parameter: unknown): void {
    super.addParameter(encodeParameter(parameter))
  }

  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const constant = ofEmptyList(node)
    if (constant === undefined) super.visitBinaryOperation(node)
    else this.append(constant)
  }
}

/** What an `in` or `not in` says of an empty list; undefined for any other operation. */
function ofEmptyList({ operator, rightOperand }: BinaryOperationNode): string | undefined {
  const isList = PrimitiveValueListNode.is(rightOperand) || ValueListNode.is(rightOperand)
  if (!isList || rightOperand.values.length > 0 || !OperatorNode.is(operator)) return undefined
  if (operator.operator === 'in') return '1 = 0'
  return operator.operator === 'not in' ? '1 = 1' : undefined
}
