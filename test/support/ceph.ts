import { createHash, createHmac, randomUUID } from 'node:crypto'
import { openSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { SignatureV4 } from '@smithy/signature-v4'

import { freePorts } from './free-ports.ts'
import { waitFor } from './wait-for.ts'

/** The programs that {@link startCeph} needs, for `requires(...)`. */
export const cephPrograms = ['ceph', 'ceph-mon', 'ceph-osd', 'radosgw'] as const

export interface Ceph {
  /** Address of the object gateway, for example `http://127.0.0.1:40123`. */
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
  createBucket(name: string): Promise<void>
  /** Makes an empty object under exactly this key; Bun's client would take a slash off its end. */
  createEmptyObject(bucket: string, key: string): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts the smallest Ceph that has an S3 gateway: one monitor, one store in memory, one radosgw, all on loopback, with
 * their files in a folder of their own that `stop` removes.
 */
export async function startCeph(): Promise<Ceph> {
  const folder = await mkdtemp(join(tmpdir(), 'preamp-ceph-'))
  const daemons: Bun.Subprocess[] = []
  const run = (...command: string[]) => runProgram(folder, command)
  const start = (...command: string[]) => daemons.push(startProgram(folder, command))
  const stop = async () => {
    for (const daemon of daemons.toReversed()) {
      daemon.kill('SIGKILL')
      await daemon.exited
    }
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const [monitorPort, gatewayPort] = freePorts(2)
    const fsid = randomUUID()
    const osdId = randomUUID()
    const keys = { accessKeyId: 'PREAMPTEST', secretAccessKey: randomUUID() }
    await mkdir(join(folder, 'mon'))
    await mkdir(join(folder, 'osd'))
    await writeFile(join(folder, 'ceph.conf'), configuration(folder, fsid, monitorPort!, gatewayPort!))
    const map = join(folder, 'monmap')
    await run('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${monitorPort}]`, map)
    await run('ceph-mon', '-i', 'a', '--mkfs', '--monmap', map)
    start('ceph-mon', '-i', 'a', '-f')
    await run('ceph', 'osd', 'new', osdId)
    await run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osdId)
    start('ceph-osd', '-i', '0', '-f')
    const { accessKeyId, secretAccessKey } = keys
    const credentials = ['--access-key', accessKeyId, '--secret', secretAccessKey]
    await run('radosgw-admin', 'user', 'create', '--uid', 'test', '--display-name', 'test', ...credentials)
    start('radosgw', '-n', 'client.rgw.a', '-f')
    const endpoint = `http://127.0.0.1:${gatewayPort}`
    await waitUntilReady(endpoint, daemons, folder)
    return {
      endpoint,
      ...keys,
      createBucket: (name) => put(endpoint, keys, `/${name}`),
      createEmptyObject: (bucket, key) => put(endpoint, keys, `/${bucket}/${key}`),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function configuration(folder: string, fsid: string, monitorPort: number, gatewayPort: number): string {
  return `[global]
fsid = ${fsid}
mon host = v2:127.0.0.1:${monitorPort}/0
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
# Without cephx there are no keys with which a connection could be encrypted, which radosgw asks for by default.
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
run dir = ${folder}
crash dir = ${folder}
keyring = ${folder}/keyring
log file = ${folder}/$name.log
admin socket = ${folder}/$name.$pid.asok
mon data = ${folder}/mon
osd data = ${folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
# Each of the gateway's pools is a change to the map, and the monitor would collect changes for a second.
paxos propose interval = 0.01
paxos min wait = 0.01
# Pages of a listing are short, so that few objects make more than one.
rgw max listing results = 100
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort}
`
}

function startProgram(folder: string, [program = '', ...options]: string[]): Bun.Subprocess {
  const output = openSync(join(folder, `${program}.output`), 'a')
  // monmaptool alone reads no configuration.
  const config = program === 'monmaptool' ? [] : ['-c', join(folder, 'ceph.conf')]
  return Bun.spawn([program, ...config, ...options], {
    cwd: folder,
    stdin: 'ignore',
    stdout: output,
    stderr: output,
  })
}

async function runProgram(folder: string, command: string[]): Promise<void> {
  const running = startProgram(folder, command)
  const timer = setTimeout(() => running.kill('SIGKILL'), 60_000)
  const exitCode = await running.exited
  clearTimeout(timer)
  if (exitCode !== 0)
    throw new Error(`${command.join(' ')} ended with ${exitCode}: ${outputOf(folder, command[0]!)}`)
}

function outputOf(folder: string, program: string): string {
  return readFileSync(join(folder, `${program}.output`), 'utf8').slice(-2000)
}

async function waitUntilReady(endpoint: string, daemons: Bun.Subprocess[], folder: string): Promise<void> {
  await waitFor(
    () => `radosgw to answer: ${outputOf(folder, 'radosgw')}`,
    60,
    async () => {
      if (daemons.some((daemon) => daemon.exitCode !== null)) {
        throw new Error(`Ceph ended: ${outputOf(folder, 'radosgw')}`)
      }
      return (await fetch(endpoint).catch(() => undefined))?.ok
    },
  )
}

/** Bun's S3 client makes objects only, and no bucket. */
async function put(
  endpoint: string,
  credentials: { accessKeyId: string; secretAccessKey: string },
  path: string,
): Promise<void> {
  const signer = new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
  })
  const { host, hostname, port } = new URL(endpoint)
  const request = { method: 'PUT', protocol: 'http:', hostname, port: Number(port), path, query: {} }
  const signed = await signer.sign({ ...request, headers: { host } })
  const answer = await fetch(endpoint + path, { method: 'PUT', headers: signed.headers })
  if (!answer.ok) throw new Error(`${path} cannot be made: ${answer.status} ${await answer.text()}`)
}

class Sha256 {
  readonly #hash

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('A signature never starts its hash anew')
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data)
}
