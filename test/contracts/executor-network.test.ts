import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { readdirSync, readlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'

import type { NetworkChoice } from '../../src/build/executors/find-network.ts'
import { jobMark } from '../../src/build/executors/job-mark.ts'
import { listProcesses, markedProcesses, signalProcess } from '../../src/build/executors/process-tree.ts'
import {
  countDescriptors,
  exited,
  makeDataDirectory,
  makeWorkFolder,
  openExecutor,
  type OpenSession,
  openSession,
  processesWith,
  removeDataDirectory,
  requiresOwnNetwork,
} from '../support/executors.ts'
import { requires, requiresRegistry } from '../support/requires.ts'
import { runProgram } from '../support/run-program.ts'
import { waitFor } from '../support/wait-for.ts'

const isRoot = process.getuid!() === 0
const online = await requiresRegistry()

/** Where builds have a network of their own: what it leads to, and that it goes with the session. */
describe.if(requiresOwnNetwork() && requires('curl'))('the network of a build in bubblewrap', () => {
  let dataDirectory: string
  let workFolder: string
  let session: OpenSession
  /** Listens on every address of this machine. */
  let server: Bun.Server<undefined>
  const undo: (() => Promise<unknown>)[] = []

  beforeAll(() => {
    dataDirectory = makeDataDirectory()
    server = Bun.serve({ port: 0, hostname: '::', fetch: () => new Response('host') })
  })
  afterAll(async () => {
    await server.stop(true)
    removeDataDirectory(dataDirectory)
  })
  beforeEach(() => {
    workFolder = makeWorkFolder(dataDirectory)
  })
  afterEach(async () => {
    await session.stop()
    for (const step of undo.splice(0)) await step()
  })

  const which = { kind: 'bubblewrap', cgroups: true } as const
  const limits = { memoryBytes: 128 * 1024 ** 2, processesMax: 100, cpus: 2, diskBytes: 1024 ** 3 }

  async function open(network: Partial<NetworkChoice> = {}): Promise<void> {
    const executor = await openExecutor(which, dataDirectory, network)
    expect(executor.sharesNetwork).toBeFalse()
    session = await openSession(executor, workFolder, { limits })
  }

  const urlAt = (address: string) =>
    `http://${address.includes(':') ? `[${address}]` : address}:${server.port}/`
  const isReachedByHost = async (address: string) => (await fetch(urlAt(address))).text()
  /** 0 where the server answers; 7 where the connection is refused at once. */
  const ask = (address: string) => session.run(`curl -s -m 10 ${urlAt(address)}`)

  /** Gives this machine a further address after the session was opened: what is refused then is refused for what it is. */
  async function addAddress(address: string): Promise<void> {
    await runProgram(['ip', 'address', 'add', `${address}/32`, 'dev', 'lo'], { env: {} })
    undo.push(() => runProgram(['ip', 'address', 'delete', `${address}/32`, 'dev', 'lo'], { env: {} }))
    expect(await isReachedByHost(address)).toBe('host')
  }

  test('does not lead to the services of this machine, by whatever address', async () => {
    await open()
    for (const address of ownAddresses()) {
      expect(await isReachedByHost(address)).toBe('host')
      expect(await ask(address)).toEqual(exited(7))
    }
    for (const address of ['0.0.0.0', 'localhost', '10.0.2.2', '10.0.2.3', '[::ffff:10.0.2.2]'])
      expect(await session.run(`curl -s -m 10 http://${address}:${server.port}/`)).toEqual(exited(7))
    expect(session.stdout()).toBe('')
  })

  test('does not lead to their abstract sockets', async () => {
    await open()
    const name = `preamp-test-${process.pid}`
    const listening = await listenAbstract(name)
    undo.push(async () => listening.close())
    const connect = `import socket; socket.socket(socket.AF_UNIX).connect("\\0${name}")`
    expect(await runProgram(['/usr/bin/python3', '-c', connect], { env: {} })).toBe('')
    expect(await session.run(`/usr/bin/python3 -c '${connect}'`)).toEqual(exited(1))
    expect(session.stderr()).toContain('ConnectionRefusedError')
  })

  test.if(isRoot)('does not lead to link-local addresses, whatever is open', async () => {
    await open({ openNetworks: ['0.0.0.0/0'] })
    await addAddress('169.254.77.88')
    expect(await ask('169.254.77.88')).toEqual(exited(7))
  })

  test.if(isRoot)('leads to private addresses where they are allowed', async () => {
    await open({ privateSources: true })
    await addAddress('10.213.77.88')
    expect(await ask('10.213.77.88')).toEqual(exited(0))
  })

  test.if(isRoot)('leads to those alone that are open where they are not', async () => {
    await open({ privateSources: false, openNetworks: ['10.213.77.88/31'] })
    await addAddress('10.213.77.88')
    await addAddress('10.213.77.90')
    expect(await ask('10.213.77.88')).toEqual(exited(0))
    expect(await ask('10.213.77.90')).toEqual(exited(7))
  })

  test.if(findOutward() !== undefined)(
    'leads to the proxies and registries that the server passes on, at their ports',
    async () => {
      const address = findOutward()!
      using other = Bun.serve({ port: 0, hostname: address, fetch: () => new Response('other') })
      await open({ privateSources: false, passedOnVariables: { http_proxy: `${address}:${server.port}` } })
      expect(await ask(address)).toEqual(exited(0))
      expect(await session.run(`curl -s -m 10 http://${address}:${other.port}/`)).toEqual(exited(7))
    },
  )

  test.if(online)('leads to the internet, by name', async () => {
    await open()
    const registry = (
      await runProgram(['npm', 'config', 'get', 'registry'], { env: npmEnvironment() })
    ).trim()
    expect(await session.read(`curl -s -o /dev/null -w '%{http_code}' ${registry}`)).toBe('200')
  })

  const marked = async () =>
    (await markedProcesses(jobMark(dataDirectory, workFolder), await listProcesses())).filter(
      ({ zombie }) => !zombie,
    )
  const helpers = async () => {
    const pids = processesWith('slirp4netns')
    return (await marked()).filter(({ pid }) => pids.includes(pid))
  }
  const readNamespace = async () => (await session.read('readlink /proc/self/ns/net')).trim()

  test.each([
    ['stops', () => session.stop()],
    ['ends by itself', () => session.run('exit 3')],
    ['goes over a limit', () => session.run('head -c 2G /dev/zero | tail')],
  ])('is gone when the session %s', async (_, end) => {
    await open()
    const namespace = await readNamespace()
    expect(await helpers()).not.toEqual([])
    expect(processesIn(namespace)).not.toEqual([])
    await end()
    expect(await marked()).toEqual([])
    expect(processesIn(namespace)).toEqual([])
  })

  test('can be begun before the session, and is gone when none comes', async () => {
    const executor = await openExecutor(which, dataDirectory)
    const end = executor.prepare!(workFolder)
    await waitFor('the helper', 10, async () => (await helpers()).length > 0)
    await end()
    expect(await marked()).toEqual([])

    const endNothing = executor.prepare!(workFolder)
    const [begun] = await waitFor('the helper', 10, async () => {
      const found = await helpers()
      return found.length > 0 && found
    })
    session = await openSession(executor, workFolder, { limits })
    await endNothing()
    expect((await helpers()).map(({ pid }) => pid)).toContain(begun!.pid)
    expect(await session.run('true')).toEqual(exited(0))
  })

  test('is gone at once when none could come', async () => {
    const executor = await openExecutor(which, dataDirectory)
    await executor.prepare!(workFolder)()
    expect(await marked()).toEqual([])
    const opening = openSession(executor, workFolder, { limits, startFolder: '/elsewhere' })
    expect(opening).rejects.toThrow('is not below the work folder')
    await opening.catch(() => undefined)
    expect(await marked()).toEqual([])
  })

  test('is gone soon after a kill -9 of the server, before anybody cleans up', async () => {
    await open()
    await session.stop()
    const script = join(import.meta.dir, '../support/abandoned-server.ts')
    const killed = Bun.spawn(
      [
        process.execPath,
        script,
        'bubblewrap',
        dataDirectory,
        workFolder,
        'readlink /proc/self/ns/net',
        '600',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await killed.stdout.getReader().read()
    expect(await helpers()).not.toEqual([])
    killed.kill('SIGKILL')
    await killed.exited
    await waitFor('the helper to end', 10, async () => (await helpers()).length === 0)

    await (await openExecutor(which, dataDirectory)).reap(workFolder)
    expect(await marked()).toEqual([])
  })

  test('ends the session when it breaks down, with that reason', async () => {
    await open()
    const running = session.run('sleep 600')
    for (const { pid } of await helpers()) signalProcess(pid, 'SIGKILL')
    expect(await running).toEqual({ kind: 'limit', reason: 'The network of the build broke down.' })
  })

  test('leaves no descriptors open', async () => {
    await open()
    await session.stop()
    const before = countDescriptors()
    for (let round = 0; round < 5; round++) {
      await open()
      await session.stop()
    }
    expect(countDescriptors()).toBeLessThanOrEqual(before + 2)
  })
})

function listenAbstract(name: string): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<Server>()
  const server = createServer((socket) => socket.end())
  server.on('error', reject).listen(`\0${name}`, () => resolve(server))
  return promise
}

function npmEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH']!, HOME: process.env['HOME']! }
}

/** Processes in a network namespace, by the text of its link in `/proc`. */
function processesIn(namespace: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^[0-9]+$/.test(name) && readlinkSync(`/proc/${name}/ns/net`) === namespace
    } catch {
      return false // It ended meanwhile.
    }
  })
}

/** Addresses of this machine that need no zone. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ scopeid }) => scopeid === undefined || scopeid === 0)
    .map(({ address }) => address)
}

/** One at which others would reach this machine. */
function findOutward(): string | undefined {
  return ownAddresses().find((address) => !/^127\.|:/.test(address))
}
