import { expect, test } from 'bun:test'

import type { BuildLog } from './build-log.ts'
import { BuildShell } from './build-shell.ts'
import type { BuildSession, Executor } from './executor.ts'

const log = {
  write: () => undefined,
  output: () => undefined,
  flushOutput: () => undefined,
} as unknown as BuildLog

test('a build that is stopped while its session is opened runs nothing, and the session ends', async () => {
  const opening = Promise.withResolvers<BuildSession>()
  const called = Promise.withResolvers<void>()
  const done: string[] = []
  const session: BuildSession = {
    run: async (command) => {
      done.push(command)
      return { kind: 'exited', exitCode: 0 }
    },
    returnToStart: async () => ({ kind: 'exited', exitCode: 0 }),
    stop: async () => void done.push('stopped'),
  }
  const open = () => {
    called.resolve()
    return opening.promise
  }
  const executor = {
    name: 'process',
    canCutNetwork: false,
    open,
  } as unknown as Executor
  const controller = new AbortController()
  const shell = new BuildShell(executor, {
    jobKey: 'job',
    workFolder: '/nonexistent',
    startFolder: '',
    environment: {},
    limits: { memoryBytes: 1, processesMax: 1, cpus: 1, diskBytes: 1 },
    network: true,
    readableFolders: [],
    preparation: 'prepare for ever',
    log,
    signal: controller.signal,
  })
  const run = shell.run([{ name: 'build', commands: ['echo hello'] }], log)
  await called.promise
  controller.abort(new Error('stopped by a person'))
  opening.resolve(session)
  await expect(run).rejects.toThrow('stopped by a person')
  await shell.end()
  expect(done).toEqual(['stopped'])
})
