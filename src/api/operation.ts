import type * as amplify from '@aws-sdk/client-amplify'
import type { z } from 'zod'

import type { OperationContext } from './context.ts'

type Amplify = typeof amplify
type CommandOf<Name extends string> = `${Name}Command` extends keyof Amplify
  ? Amplify[`${Name}Command`] extends abstract new (...args: never[]) => infer Command
    ? Command
    : never
  : never

/** Every operation of the API, as AWS's own client knows them. */
export type OperationName = {
  [Key in keyof Amplify]: Key extends `${infer Name}Command` ? (Name extends '$' ? never : Name) : never
}[keyof Amplify]

export type Input<Name extends OperationName> = CommandOf<Name> extends { input: infer In } ? In : never

export type Output<Name extends OperationName> =
  CommandOf<Name> extends {
    resolveMiddleware(...args: never[]): (...args: never[]) => Promise<{ output: infer Out }>
  }
    ? Omit<Out, '$metadata'>
    : never

/** Refuses, at any depth, members that `Expected` does not have: a function's return is not checked for them otherwise. */
type Exact<Actual, Expected> = Expected extends Date | string | number | boolean | undefined
  ? Actual
  : Actual extends readonly (infer Item)[]
    ? Expected extends readonly (infer ExpectedItem)[]
      ? Exact<Item, ExpectedItem>[]
      : never
    : Actual extends object
      ? string extends keyof Expected
        ? Actual
        : {
            [Key in keyof Actual]: Key extends keyof Expected
              ? Exact<Actual[Key], NonNullable<Expected[Key]>>
              : never
          }
      : Actual

/** An operation: what its input must be, and what it does. */
export interface Operation<Name extends OperationName = OperationName> {
  name: Name
  input: z.ZodType
  handle(context: OperationContext, input: never): Promise<Output<Name>>
}

/**
 * Declares an operation. It does not compile when the schema's members are not those of AWS's input, or when the
 * result has a member that AWS's output has not.
 */
export function operation<
  Name extends OperationName,
  Schema extends z.ZodObject<Record<keyof Input<Name>, z.ZodType>>,
  Result extends Output<Name>,
>(
  name: Name,
  definition: {
    input: Schema &
      (Exclude<keyof z.output<Schema>, keyof Input<Name>> extends never ? unknown : never) &
      (z.output<Schema> extends Input<Name> ? unknown : never)
    handle(context: OperationContext, input: z.output<Schema>): Promise<Result & Exact<Result, Output<Name>>>
  },
): Operation<Name> {
  return { name, input: definition.input, handle: definition.handle }
}

/** What stands in the map: all 37, none forgotten, none misspelt. */
export type Operations = { [Name in OperationName]: Operation<Name> }
