import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'

import { CreateAppCommand, DeleteAppCommand } from '@aws-sdk/client-amplify'

import { startPreamp, type TestPreamp } from '../../test/support/preamp.ts'

let preamp: TestPreamp
let appId: string
beforeAll(async () => {
  preamp = await startPreamp()
  const { app } = await preamp.client.send(new CreateAppCommand({ name: 'shown' }))
  appId = app!.appId!
  await preamp.client.send(new DeleteAppCommand({ appId }))
  await preamp.client.send(new DeleteAppCommand({ appId })).catch(() => undefined)
}, 60_000)
afterAll(() => preamp.stop())

/** Runs `preamp audit …` beside the server. */
function audit(...parameters: string[]) {
  const main = join(import.meta.dir, '../main.ts')
  const { stdout, stderr, exitCode } = Bun.spawnSync(
    [process.execPath, main, 'audit', ...parameters, '--data-dir', preamp.dataDir],
    { env: { PATH: process.env['PATH'] } },
  )
  return { lines: stdout.toString().trimEnd().split('\n'), errors: stderr.toString(), exitCode }
}

test('shows calls, newest first, as a table', () => {
  const [header, ...rows] = audit().lines
  expect(header).toMatch(/^TIME +WHO +FROM +OPERATION +RESOURCE +RESULT$/)
  const arn = `arn:aws:amplify:us-east-1:000000000000:apps/${appId}`
  expect(rows[0]).toMatch(new RegExp(`admin \\(${preamp.credentials.accessKeyId}\\) .* DeleteApp .*${arn} `))
  expect(rows.map((row) => row.replace(/^.* /, ''))).toEqual(['NotFoundException', 'done', 'done'])
})

test('shows some of them, and all about each as JSON', () => {
  expect(audit('--operation', 'CreateApp', '--json').lines.map((line) => JSON.parse(line))).toMatchObject([
    { operation: 'CreateApp', parameters: { name: 'shown' }, statusCode: 200 },
  ])
  expect(audit('--failed').lines).toHaveLength(2)
  expect(audit('--app', appId).lines).toHaveLength(3)
  expect(audit('--app', 'dother').lines).toHaveLength(1)
  expect(audit('--limit', '1').lines).toHaveLength(2)
  expect(audit('--since', '2999-01-01').lines).toHaveLength(1)
  expect(audit('--key', 'AKIANOBODY').lines).toHaveLength(1)
})

test('says what is wrong with what it was asked', () => {
  expect(audit('--since', 'yesterday')).toMatchObject({
    exitCode: 2,
    errors: expect.stringContaining('--since yesterday'),
  })
  expect(audit('--limit', '0')).toMatchObject({ exitCode: 2, errors: expect.stringContaining('--limit 0') })
})
