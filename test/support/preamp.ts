import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { AmplifyClient } from '@aws-sdk/client-amplify'

import { dataDirectoryAt } from '../../src/data-directory.ts'
import { waitFor } from './wait-for.ts'

/** A `preamp serve` of its own: real processes, free ports, a data directory in the temporary folder. */
export interface TestPreamp {
  apiUrl: string
  sitesUrl: string
  dataDir: string
  pid: number
  credentials: { accessKeyId: string; secretAccessKey: string }
  client: AmplifyClient
  /** Everything the server printed so far. */
  output(): string
  /** Pids of the edge processes at work. */
  edgePids(): number[]
  /** Ends the control process with SIGKILL and waits until it is gone; edges go on. */
  kill(): Promise<void>
  /** Ends the server as a person would, and removes the data directory unless it is to be kept. */
  stop(options?: { keepData?: boolean }): Promise<void>
}

export interface StartOptions {
  /** A data directory of a server before, to start on again. */
  dataDir?: string
  environment?: Record<string, string>
  /** Program and arguments that start the server's in its place (`own-namespace.ts`). */
  launcher?: string[]
  /** Ports of a server before, where sites must stay at their addresses. */
  sitesPort?: number
  apiPort?: number
}

const mainScript = join(import.meta.dir, '../../src/main.ts')
const startSecondsMax = 30

export async function startPreamp(options: StartOptions = {}): Promise<TestPreamp> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'preamp-test-'))
  const directory = dataDirectoryAt(dataDir)
  rmSync(directory.server, { force: true })
  const ports = ['--api-port', String(options.apiPort ?? 0), '--sites-port', String(options.sitesPort ?? 0)]
  const command = [process.execPath, mainScript, 'serve', '--data-dir', dataDir, ...ports]
  const child = Bun.spawn([...(options.launcher ?? []), ...command], {
    env: {
      ...withoutPreampSettings(process.env),
      PREAMP_EDGE_PROCESSES: '1',
      PREAMP_DEFAULT_NODE: 'host',
      PREAMP_DRAIN_SECONDS: '0',
      ...options.environment,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let output = ''
  void collect(child.stdout, (text) => (output += text))
  void collect(child.stderr, (text) => (output += text))

  const address = await waitFor(
    () => `the server to start\n${output}`,
    startSecondsMax,
    async () => {
      if (child.exitCode !== null) throw new Error(`preamp serve ended with ${child.exitCode}:\n${output}`)
      if (!existsSync(directory.server)) return undefined
      const found = JSON.parse(readFileSync(directory.server, 'utf8')) as {
        pid: number
        apiUrl: string
        sitesUrl: string
      }
      const healthy = await fetch(`${found.apiUrl}/_preamp/health`).then(
        (response) => response.ok,
        () => false,
      )
      return healthy && found
    },
  )
  const credentials = readCredentials(directory.credentials)

  return {
    ...address,
    dataDir,
    credentials,
    client: new AmplifyClient({ endpoint: address.apiUrl, region: 'us-east-1', credentials, maxAttempts: 1 }),
    output: () => output,
    edgePids: () => readEdgePids(directory.edges),
    async kill() {
      child.kill('SIGKILL')
      await child.exited
    },
    async stop({ keepData = false } = {}) {
      child.kill('SIGTERM')
      await child.exited
      if (!keepData) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

function readCredentials(file: string): { accessKeyId: string; secretAccessKey: string } {
  const text = readFileSync(file, 'utf8')
  const value = (name: string) => new RegExp(`^${name} = (.+)$`, 'm').exec(text)?.[1] ?? ''
  return { accessKeyId: value('aws_access_key_id'), secretAccessKey: value('aws_secret_access_key') }
}

function readEdgePids(file: string): number[] {
  if (!existsSync(file)) return []
  const pids = new Set<number>()
  JSON.parse(readFileSync(file, 'utf8'), (key, value: unknown) => {
    if (key === 'pid') pids.add(Number(value))
    return value
  })
  return [...pids]
}

async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  for await (const bytes of stream) add(decoder.decode(bytes, { stream: true }))
}

function withoutPreampSettings(
  environment: Record<string, string | undefined>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('PREAMP_')))
}
