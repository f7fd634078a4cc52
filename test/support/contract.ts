import * as amplify from '@aws-sdk/client-amplify'
import type { AmplifyClient } from '@aws-sdk/client-amplify'

import type { OperationName } from '../../src/api/operation.ts'
import contract from '../fixtures/contract/amplify-api.json' with { type: 'json' }

/** AWS's model of the API as tests read it (contract/amplify-api.json), and any of its operations called by name. */

export interface Shape {
  type: string
  minLength?: number
  maxLength?: number
  pattern?: string
  enum?: string[]
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  required?: string[]
  members?: Record<string, { shape: string }>
  /** Of a list. */
  member?: string
  /** Of a map. */
  key?: string
  value?: string
}

export interface InputMember {
  location: 'uri' | 'querystring' | 'body'
  shape: string
  required: boolean
}

export type Members = Record<string, unknown>

export const shapes = contract.shapes as unknown as Record<string, Shape>

export const operationNames = Object.keys(contract.operations) as OperationName[]

export const inputMembers = (name: OperationName) =>
  contract.operations[name].input as unknown as Record<string, InputMember>

/** Names of the errors that the model lists for an operation. */
export const modelledErrors = (name: OperationName) =>
  contract.operations[name].errors.map((error) => error.name)

export const httpStatusOf = (error: string) =>
  (contract.errors as Record<string, { httpStatus: number }>)[error]?.httpStatus

/** Calls an operation by AWS's client, with members that need not be legal. */
export async function call(client: AmplifyClient, name: OperationName, input: Members): Promise<Members> {
  const Command = amplify[`${name}Command`] as unknown as new (
    input: Members,
  ) => InstanceType<typeof amplify.GetAppCommand>
  const { $metadata: _metadata, ...output } = await client.send(new Command(input))
  return output
}

export interface Failure {
  name: string
  message: string
  status: number | undefined
}

/** How a call fails, or undefined where it succeeds. */
export async function failureOf(
  client: AmplifyClient,
  name: OperationName,
  input: Members,
): Promise<Failure | undefined> {
  return call(client, name, input).then(
    () => undefined,
    (error: Error & { $metadata?: { httpStatusCode?: number } }) => ({
      name: error.name,
      message: error.message,
      status: error.$metadata?.httpStatusCode,
    }),
  )
}
