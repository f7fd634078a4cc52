import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type Blobs, type BlobSource, BlobTooLarge } from '../../src/blobs/blobs.ts'
import { openDiskBlobs } from '../../src/blobs/disk.ts'
import { memoryBlobs } from '../support/memory-blobs.ts'

/** A backend under test, and how to do to it what its own interface does not allow. */
interface Backend {
  blobs: Blobs
  /** Makes the blob look as if it had been put at that time. */
  setPutAt(sha: string, time: number): void
  damage(sha: string): void
}

const folder = mkdtempSync(join(tmpdir(), 'preamp-blobs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Backends of which the contract must be true: another is another row. */
const backends: [name: string, open: () => Promise<Backend>][] = [
  [
    'on disk',
    async () => {
      const root = join(folder, 'disk')
      const file = (sha: string) => join(root, sha.slice(0, 2), sha.slice(2))
      return {
        blobs: await openDiskBlobs(root),
        setPutAt: (sha, time) => utimesSync(file(sha), time / 1000, time / 1000),
        damage: (sha) => {
          chmodSync(file(sha), 0o600)
          writeFileSync(file(sha), 'something else')
        },
      }
    },
  ],
]

const shaOf = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const missing = shaOf('never stored')

async function listed(blobs: Blobs): Promise<Map<string, { size: number; putAt: number }>> {
  const found = new Map<string, { size: number; putAt: number }>()
  for await (const { sha, size, putAt } of blobs.list()) found.set(sha, { size, putAt })
  return found
}

function streamOf(...chunks: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
      controller.close()
    },
  })
}

function failingStream(failure: Error): ReadableStream<Uint8Array> {
  let pulls = 0
  return new ReadableStream({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(Buffer.from('a beginning'))
      else controller.error(failure)
    },
  })
}

describe.each(backends)('blobs %s', (_name, open) => {
  let blobs: Blobs
  let backend: Backend

  beforeAll(async () => {
    backend = await open()
    ;({ blobs } = backend)
  })

  const large = new Uint8Array(randomBytes(3 * 1024 * 1024 + 17))
  const largeFile = join(folder, 'large')
  writeFileSync(largeFile, large)
  const emptyFile = join(folder, 'empty')
  writeFileSync(emptyFile, '')

  test.each<[string, () => BlobSource, string | Uint8Array]>([
    ['a string in UTF-8', () => 'grüße, 🌍', 'grüße, 🌍'],
    ['bytes', () => large.subarray(1), large.subarray(1)],
    ['no bytes', () => new Uint8Array(), ''],
    ['a stream', () => streamOf('one', 'two', large), Buffer.concat([Buffer.from('onetwo'), large])],
    ['an empty stream', () => streamOf(), ''],
    ['a file', () => ({ path: largeFile }), large],
    ['an empty file', () => ({ path: emptyFile }), ''],
  ])('keeps %s', async (_source, source, content) => {
    const bytes = Buffer.from(content)
    const stored = await blobs.put(source())
    expect(stored).toEqual({ sha: shaOf(content), size: bytes.byteLength })
    expect(Buffer.from(await blobs.open(stored.sha).arrayBuffer()).equals(bytes)).toBe(true)
    expect(await blobs.has(stored.sha)).toBe(true)
    expect(await blobs.size(stored.sha)).toBe(bytes.byteLength)
    expect(await blobs.verify(stored.sha)).toBe('ok')
  })

  test('reads a part and streams the whole', async () => {
    const { sha } = await blobs.put(large)
    const part = await blobs.open(sha).slice(1_000_000, 1_000_010).arrayBuffer()
    expect(Buffer.from(part)).toEqual(Buffer.from(large.subarray(1_000_000, 1_000_010)))
    const hash = createHash('sha256')
    for await (const chunk of blobs.open(sha).stream()) hash.update(chunk)
    expect(hash.digest('hex')).toBe(sha)
  })

  test('keeps what a caller changes afterwards as it was', async () => {
    const bytes = Buffer.from('as it was put')
    const { sha } = await blobs.put(bytes)
    bytes.fill(0)
    expect(await blobs.open(sha).text()).toBe('as it was put')
  })

  test('does not change with the file it was taken from', async () => {
    const path = join(folder, 'changing')
    writeFileSync(path, 'before')
    const { sha } = await blobs.put({ path })
    writeFileSync(path, 'after!')
    truncateSync(path)
    expect(await blobs.open(sha).text()).toBe('before')
  })

  test('knows what is not there', async () => {
    expect(await blobs.has(missing)).toBe(false)
    expect(await blobs.size(missing)).toBeUndefined()
    expect(await blobs.touch(missing)).toBe(false)
    expect(await blobs.verify(missing)).toBe('missing')
    expect(await blobs.delete(missing)).toBe(false)
  })

  test.each(['../../etc/passwd', '', 'A'.repeat(64), `${missing}\n`, `${missing}0`])(
    'refuses the name %j, which is no hash',
    async (name) => {
      for (const use of [blobs.has, blobs.size, blobs.touch, blobs.verify, blobs.delete]) {
        await expect(use(name)).rejects.toThrow('is not the SHA-256 of a blob')
      }
      expect(() => blobs.open(name)).toThrow('is not the SHA-256 of a blob')
    },
  )

  test('refuses content that is too long, and keeps nothing of it', async () => {
    const path = join(folder, 'long')
    writeFileSync(path, 'twelve bytes')
    const sources: BlobSource[] = [
      'twelve bytes',
      Buffer.from('twelve bytes'),
      streamOf('twelve ', 'bytes'),
      { path },
    ]
    for (const source of sources) {
      await expect(blobs.put(source, { bytesMax: 11 })).rejects.toThrow(BlobTooLarge)
    }
    expect(await blobs.has(shaOf('twelve bytes'))).toBe(false)
    for (const source of ['twelve bytes', streamOf('twelve bytes'), { path }]) {
      expect((await blobs.put(source, { bytesMax: 12 })).size).toBe(12)
    }
    // What is there already is no excuse.
    await expect(blobs.put('twelve bytes', { bytesMax: 11 })).rejects.toThrow(BlobTooLarge)
  })

  test('throws what a stream fails with, and keeps nothing', async () => {
    const before = await listed(blobs)
    const failure = new Error('connection reset')
    await expect(blobs.put(failingStream(failure))).rejects.toBe(failure)
    expect(await listed(blobs)).toEqual(before)
  })

  test('throws for a file that is not there', async () => {
    await expect(blobs.put({ path: join(folder, 'nowhere') })).rejects.toThrow('ENOENT')
  })

  test('keeps one copy of the same bytes put by many at once', async () => {
    const content = randomBytes(100_000)
    const puts = Array.from({ length: 20 }, (_, index) =>
      index % 2 ? blobs.put(content) : blobs.put(streamOf(content)),
    )
    for (const stored of await Promise.all(puts)) expect(stored.sha).toBe(shaOf(content))
    expect(await blobs.verify(shaOf(content))).toBe('ok')
  })

  test('lists every blob once, with its size and when it was put', async () => {
    const started = Date.now()
    const { sha } = await blobs.put('listed')
    const entry = (await listed(blobs)).get(sha)
    expect(entry?.size).toBe(6)
    expect(Math.abs(entry!.putAt - started)).toBeLessThan(60_000)
  })

  test.each<[string, (sha: string) => Promise<unknown>]>([
    ['a put of bytes', () => blobs.put('put again')],
    ['a put of a stream', () => blobs.put(streamOf('put ', 'again'))],
    ['a put in a batch', () => blobs.batch((put) => put('put again'))],
    ['a touch', (sha) => blobs.touch(sha)],
  ])('%s counts as put now', async (_how, again) => {
    const { sha } = await blobs.put('put again')
    backend.setPutAt(sha, 1_000_000)
    expect((await listed(blobs)).get(sha)?.putAt).toBe(1_000_000)
    await again(sha)
    expect((await listed(blobs)).get(sha)?.putAt).toBeGreaterThan(Date.now() - 60_000)
  })

  test('deletes only what was put before a given time', async () => {
    const { sha } = await blobs.put('to be deleted')
    backend.setPutAt(sha, 1_000_000)
    expect(await blobs.delete(sha, { putBefore: 1_000_000 })).toBe(false)
    expect(await blobs.has(sha)).toBe(true)
    expect(await blobs.delete(sha, { putBefore: 1_000_001 })).toBe(true)
    expect(await blobs.has(sha)).toBe(false)
    await blobs.put('to be deleted')
    expect(await blobs.delete(sha)).toBe(true)
    expect(await blobs.has(sha)).toBe(false)
  })

  test('a put never loses against a deletion of what was old', async () => {
    for (let round = 0; round < 50; round++) {
      const { sha } = await blobs.put('wanted again')
      backend.setPutAt(sha, 1_000_000)
      const deletion = blobs.delete(sha, { putBefore: 2_000_000 })
      const put = round % 2 ? blobs.put('wanted again') : blobs.put(streamOf('wanted again'))
      await Promise.all([deletion, put])
      expect(await blobs.verify(sha)).toBe('ok')
    }
  })

  test('notices bytes that are not those of the name', async () => {
    const { sha } = await blobs.put('to be damaged')
    backend.damage(sha)
    expect(await blobs.verify(sha)).toBe('corrupt')
    await blobs.delete(sha)
  })

  describe('a batch', () => {
    test('stores all when it is done', async () => {
      const contents = Array.from({ length: 100 }, (_, index) => `batched ${index % 90}`)
      const shas = await blobs.batch(async (put) => {
        const stored = await Promise.all(
          contents.map((content, index) => put(index % 2 ? content : streamOf(content))),
        )
        return stored.map(({ sha }) => sha)
      })
      expect(shas).toEqual(contents.map(shaOf))
      for (const sha of shas) expect(await blobs.verify(sha)).toBe('ok')
    })

    test('keeps nothing when its work throws, but for what was there', async () => {
      await blobs.put('there before')
      const before = await listed(blobs)
      const failure = new Error('refused')
      const work = blobs.batch(async (put) => {
        await put('there before')
        await put('new in a failed batch')
        await put(streamOf('also new in it'))
        throw failure
      })
      await expect(work).rejects.toBe(failure)
      expect([...(await listed(blobs)).keys()]).toEqual([...before.keys()])
    })

    test('and another put the same bytes', async () => {
      const content = randomBytes(1000)
      await Promise.all([
        blobs.batch(async (put) => {
          await put(content)
          await put(streamOf(content))
        }),
        blobs.batch((put) => put(content)),
        blobs.put(content),
      ])
      expect(await blobs.verify(shaOf(content))).toBe('ok')
    })

    test('may be empty', async () => {
      expect(await blobs.batch(async () => 'nothing')).toBe('nothing')
    })
  })
})

describe('blobs on disk', () => {
  test('a blob of a batch has no name before its bytes are durable', async () => {
    const blobs = await openDiskBlobs(join(folder, 'order'))
    await blobs.batch(async (put) => {
      const { sha } = await put('not yet')
      expect(await blobs.has(sha)).toBe(false)
    })
    expect(await blobs.has(shaOf('not yet'))).toBe(true)
  })

  test('removes what a process that died left behind, and only that', async () => {
    const root = join(folder, 'leftovers')
    const before = await openDiskBlobs(root)
    const { sha } = await before.put('whole')
    writeFileSync(join(root, 'tmp', 'half'), 'half a')
    const blobs = await openDiskBlobs(root)
    expect(readdirSync(join(root, 'tmp'))).toEqual([])
    expect(await blobs.verify(sha)).toBe('ok')
  })

  test('opened to be read only, neither cleans nor puts', async () => {
    const root = join(folder, 'served')
    const writer = await openDiskBlobs(root)
    const { sha } = await writer.put('served')
    writeFileSync(join(root, 'tmp', 'at-work'), 'half a')
    const reader = await openDiskBlobs(root, { readonly: true })
    expect(await reader.open(sha).text()).toBe('served')
    expect(readdirSync(join(root, 'tmp'))).toEqual(['at-work'])
    for (const write of [() => reader.put('more'), () => reader.touch(sha), () => reader.delete(sha)]) {
      await expect(write()).rejects.toThrow('read only')
    }
  })

  test('leaves no temporary file, whatever came of a put', async () => {
    const root = join(folder, 'tidy')
    const blobs = await openDiskBlobs(root)
    await blobs.put('a')
    await blobs.put(streamOf('a'))
    await blobs.put(failingStream(new Error('reset'))).catch(() => undefined)
    await blobs.put(streamOf('too long'), { bytesMax: 3 }).catch(() => undefined)
    await blobs
      .batch((put) => put('b').then(() => Promise.reject(new Error('refused'))))
      .catch(() => undefined)
    expect(readdirSync(join(root, 'tmp'))).toEqual([])
  })

  test('that is killed keeps all it acknowledged, and nothing that is not whole', async () => {
    const root = join(folder, 'killed')
    for (let round = 0; round < 3; round++) {
      const writer = Bun.spawn([process.execPath, join(import.meta.dir, '../support/blob-writer.ts'), root], {
        stdout: 'pipe',
        stderr: 'inherit',
      })
      let printed = ''
      for await (const chunk of writer.stdout.pipeThrough(new TextDecoderStream())) {
        printed += chunk
        if (printed.length > 65 * (60 + 37 * round)) writer.kill('SIGKILL')
      }
      const blobs = await openDiskBlobs(root)
      const acknowledged = printed.split('\n').slice(0, -1)
      expect(acknowledged.length).toBeGreaterThan(50)
      for (const sha of acknowledged) expect(await blobs.has(sha)).toBe(true)
      for (const sha of (await listed(blobs)).keys()) expect(await blobs.verify(sha)).toBe('ok')
      expect(readdirSync(join(root, 'tmp'))).toEqual([])
    }
  })

  test('keeps its files from everyone else', async () => {
    const root = join(folder, 'private')
    const blobs = await openDiskBlobs(root)
    const { sha } = await blobs.put('private')
    const { mode } = await Bun.file(join(root, sha.slice(0, 2), sha.slice(2))).stat()
    expect(mode & 0o077).toBe(0)
  })
})

test('the double in memory that other tests use behaves like the rest where they look', async () => {
  const blobs = memoryBlobs()
  const { sha } = await blobs.put(streamOf('in memory'))
  expect(await blobs.open(sha).text()).toBe('in memory')
  expect([...(await listed(blobs)).keys()]).toEqual([sha])
  expect(await blobs.batch((put) => put('in memory'))).toEqual({ sha, size: 9 })
  expect(await blobs.delete(sha)).toBe(true)
  expect(await blobs.has(sha)).toBe(false)
})
