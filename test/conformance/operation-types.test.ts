import { expect, test } from 'bun:test'

import { z } from 'zod'

import { type Operation, operation, type Operations } from '../../src/api/operation.ts'
import { operations } from '../../src/api/operations.ts'
import { pipeline } from '../../src/api/pipeline.ts'
import { appId, name } from '../../src/api/schema.ts'

/**
 * What must not compile. `npm run check` reads this file: a line below `@ts-expect-error` that does compile is an error
 * there.
 */

const app = {
  appId: 'd1',
  appArn: 'arn',
  name: 'a',
  description: '',
  repository: '',
  platform: 'WEB',
  createTime: new Date(0),
  updateTime: new Date(0),
  environmentVariables: {},
  defaultDomain: 'd1.localhost',
  enableBranchAutoBuild: false,
  enableBasicAuth: false,
} as const

test('what fits compiles', () => {
  const getApp = operation('GetApp', { input: z.object({ appId }), handle: async () => ({ app }) })
  expect(getApp.name).toBe('GetApp')
})

test('a member that AWS’s input has not', () => {
  // @ts-expect-error `applicationId` is no member of GetApp
  operation('GetApp', { input: z.object({ appId, applicationId: appId }), handle: async () => ({ app }) })
})

test('a member that AWS’s input has and ours lacks', () => {
  // @ts-expect-error GetApp has `appId`
  operation('GetApp', { input: z.object({}), handle: async () => ({ app }) })
})

test('an input member of another type', () => {
  // @ts-expect-error `appId` is a string
  operation('GetApp', { input: z.object({ appId: z.number() }), handle: async () => ({ app }) })
})

test('an output member that AWS’s output has not', () => {
  // @ts-expect-error `application` is no member of the output
  operation('GetApp', { input: z.object({ appId }), handle: async () => ({ app, application: app }) })
  operation('GetApp', {
    input: z.object({ appId }),
    // @ts-expect-error `title` is no member of an app
    handle: async () => ({ app: { ...app, title: 'a' } }),
  })
})

test('an output member of another type, and one that is missing', () => {
  operation('GetApp', {
    input: z.object({ appId }),
    // @ts-expect-error `name` is a string
    handle: async () => ({ app: { ...app, name: 1 } }),
  })
  // @ts-expect-error the output has `app`
  operation('GetApp', { input: z.object({ appId }), handle: async () => ({}) })
})

test('an operation that does not exist', () => {
  // @ts-expect-error AWS calls it GetApp
  operation('ReadApp', { input: z.object({ name }), handle: async () => ({ app }) })
})

test('a map that forgets an operation, or puts one in the place of another', () => {
  const { GetApp, ...others } = operations
  // @ts-expect-error GetApp is missing
  const forgetful = others satisfies Operations
  expect(forgetful).not.toHaveProperty('GetApp')
  const getApp: Operation<'GetApp'> = GetApp
  // @ts-expect-error this is GetApp
  const mistaken = { ...others, GetApp, ListApps: getApp } satisfies Operations
  expect(mistaken.ListApps.name as string).toBe('GetApp')
})

const first = ({ start }: { start: number }) => ({ next: start + 1 })
const second = async ({ next }: { next: number }) => ({ last: next + 1 })

test('a step that needs what no step before it gives', async () => {
  expect(await pipeline<{ start: number }>()([first, second])({ start: 1 })).toEqual({
    start: 1,
    next: 2,
    last: 3,
  })
  // @ts-expect-error `second` needs what `first` gives
  pipeline<{ start: number }>()([second, first])
})
