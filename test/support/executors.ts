import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { BuildSession, CommandResult, Executor, SessionOptions } from '../../src/build/executor.ts'
import { openBubblewrapExecutor } from '../../src/build/executors/bubblewrap.ts'
import { findCgroups } from '../../src/build/executors/cgroup.ts'
import { findContainerNetwork, findNetworkTools } from '../../src/build/executors/docker-network.ts'
import { openDockerExecutor } from '../../src/build/executors/docker.ts'
import { findOwnNetwork, type NetworkChoice } from '../../src/build/executors/find-network.ts'
import type { HostOptions } from '../../src/build/executors/host-session.ts'
import { openProcessExecutor } from '../../src/build/executors/process.ts'
import { findTools } from '../../src/build/executors/tools.ts'
import { openTestEngine, testImage } from './container-engine.ts'
import { reportSkipped, requires } from './requires.ts'

/** Kind of executor, and whether it may use cgroups where the host has them. */
export interface ExecutorCase {
  kind: 'bubblewrap' | 'docker' | 'process'
  cgroups: boolean
}

/** Whether builds in bubblewrap can have a network of their own here. */
export function requiresOwnNetwork(): boolean {
  if (!requires('bwrap', 'slirp4netns', 'nft')) return false
  if (hasTunDevice()) return true
  reportSkipped('/dev/net/tun')
  return false
}

/** Not so in a container that was given none, which no package can bring. */
function hasTunDevice(): boolean {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** An executor as a server with this data directory has it; one of bubblewrap with its own network where that is there. */
export async function openExecutor(
  { kind, cgroups }: ExecutorCase,
  dataDirectory: string,
  network: Partial<NetworkChoice> = {},
): Promise<Executor> {
  const tools = await findTools(process.env, dataDirectory)
  const common = {
    instance: dataDirectory,
    user: process.getuid!() === 0 ? { uid: 64_700, gid: 64_700 } : undefined,
    cgroups: cgroups ? await findCgroups() : undefined,
    path: tools.path,
  }
  if (kind === 'docker') return openTestDocker(common)
  const setpriv = Bun.which('setpriv')!
  if (kind === 'process') return openProcessExecutor({ ...common, setpriv })
  const view = {
    toolFolders: tools.folders,
    files: [],
    hidden: [dataDirectory],
    canDisableUserNamespaces: true,
  }
  const bwrap = Bun.which('bwrap')!
  const choice = { buildNetwork: undefined, privateSources: true, openNetworks: [], passedOnVariables: {} }
  const found = await findOwnNetwork({ ...choice, ...network }, bwrap, findAnyProgram)
  const own = typeof found === 'string' || !hasTunDevice() ? undefined : found
  return openBubblewrapExecutor({ ...common, bwrap, setpriv, view, network: own })
}

function findAnyProgram(name: string): string | undefined {
  return Bun.which(name, { PATH: `${process.env['PATH']}:/usr/sbin` }) ?? undefined
}

async function openTestDocker(common: Pick<HostOptions, 'instance' | 'user'>): Promise<Executor> {
  const opened = await openTestEngine()
  if (typeof opened === 'string') throw new Error(opened)
  return openDockerExecutor({
    ...common,
    engine: opened.engine,
    image: testImage,
    files: [],
    privateAllowed: true,
    network: await findContainerNetwork(opened.engine),
    open: () => Promise.resolve([]),
    networkTools: findNetworkTools(opened.engine),
  })
}

/** A data directory as the server makes it, with a key in it that nobody may read. */
export function makeDataDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'preamp-executor-'))
  chmodSync(path, 0o700)
  return path
}

export function makeWorkFolder(dataDirectory: string): string {
  const path = mkdtempSync(join(dataDirectory, 'job-'))
  mkdirSync(join(path, 'site'))
  return path
}

/** A session with what it wrote so far. */
export interface OpenSession extends BuildSession {
  stdout(): string
  stderr(): string
  /** Runs a command that ends by itself, and returns its stdout. */
  read(command: string): Promise<string>
}

export async function openSession(
  executor: Executor,
  workFolder: string,
  options: Partial<SessionOptions> = {},
): Promise<OpenSession> {
  const output = { stdout: '', stderr: '' }
  const session = await executor.open({
    jobKey: workFolder,
    workFolder,
    startFolder: join(workFolder, 'site'),
    environment: {},
    limits: { memoryBytes: 1024 ** 3, processesMax: 500, cpus: 2, diskBytes: 1024 ** 3 },
    network: true,
    readableFolders: [],
    onOutput: (stream, bytes) => {
      output[stream] += new TextDecoder().decode(bytes)
    },
    ...options,
  })
  return {
    ...session,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    async read(command) {
      const before = output.stdout.length
      const result = await session.run(command)
      if (result.kind !== 'exited') throw new Error(`${command}: ${JSON.stringify(result)}`)
      return output.stdout.slice(before)
    },
  }
}

/** Pids of live processes of this machine whose command line holds the text. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text)
      } catch {
        return false // It ended meanwhile.
      }
    })
    .map(Number)
}

export function exited(exitCode: number): CommandResult {
  return { kind: 'exited', exitCode }
}

export function removeDataDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true })
}

/** Descriptors of this process; Bun closes those that it duplicated when their readers are collected. */
export function countDescriptors(): number {
  Bun.gc(true)
  return readdirSync('/proc/self/fd').length
}
