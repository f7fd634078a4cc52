import { describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { deflateRawSync } from 'node:zlib'

import { ZipFile } from 'yazl'

import { memoryBlobs } from '../../test/support/memory-blobs.ts'
import { type ZipEntryDraft, zipOf } from '../../test/support/zip-writer.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import { collectZip } from './collect-zip.ts'
import { RefusedContent } from './refused-content.ts'

const index = { name: 'index.html', content: '<h1>hello</h1>' }

/** The files of a zip with their text, and what the deploy log says. */
async function collect(archive: Blob) {
  const blobs = memoryBlobs()
  const log: string[] = []
  const manifest = await collectZip(archive, { blobs, log: (line) => void log.push(line) })
  const files: Record<string, string> = {}
  for (const [path, { sha, size }] of Object.entries(manifest.files)) {
    const bytes = blobs.stored.get(sha)!
    expect(bytes.byteLength).toBe(size)
    files[path] = new TextDecoder().decode(bytes)
  }
  return { files, log }
}

async function refusal(archive: Blob): Promise<string> {
  const error = await collect(archive).catch((thrown: unknown) => thrown)
  if (!(error instanceof RefusedContent)) throw new Error('The zip was not refused', { cause: error })
  return error.message
}

describe('collectZip', () => {
  test('unpacks stored and deflated files, sorted by path', async () => {
    const archive = zipOf([
      { name: 'b/c.css', content: 'a{}', method: 0 },
      index,
      { name: 'a.txt', content: '' },
    ])
    expect(await collect(archive)).toEqual({
      files: { 'a.txt': '', 'b/c.css': 'a{}', 'index.html': '<h1>hello</h1>' },
      log: [],
    })
  })

  test('unpacks large entries among small ones', async () => {
    const large = randomBytes(3 * 1024 * 1024).toString('hex')
    const drafts: ZipEntryDraft[] = [index, { name: 'large.txt', content: large }]
    for (let i = 0; i < 300; i++) drafts.push({ name: `small/${i}.txt`, content: `text ${i}`.repeat(i) })
    drafts.push({ name: 'large-stored.txt', content: large, method: 0 }, { name: 'z.txt', content: 'end' })
    const { files } = await collect(zipOf(drafts))
    expect(Object.keys(files)).toHaveLength(304)
    expect(files['large.txt'] === large && files['large-stored.txt'] === large).toBe(true)
    expect(files['small/299.txt']).toBe('text 299'.repeat(299))
    expect(files['z.txt']).toBe('end')
  })

  test('reads ZIP64 and data descriptors', async () => {
    const zip = new ZipFile()
    zip.addBuffer(Buffer.from('<h1>64</h1>'), 'index.html', { forceZip64Format: true })
    zip.addReadStream(Readable.from(['streamed']), 'streamed.txt')
    zip.end({ forceZip64Format: true, comment: '' })
    const chunks = await Array.fromAsync(zip.outputStream as AsyncIterable<Uint8Array>)
    const { files } = await collect(new Blob(chunks.map((chunk) => new Uint8Array(chunk))))
    expect(files).toEqual({ 'index.html': '<h1>64</h1>', 'streamed.txt': 'streamed' })
  })

  test('reads an archive with bytes before it whose offsets count them', async () => {
    expect((await collect(zipOf([index], { prefix: randomBytes(2_000_000) }))).files).toEqual({
      'index.html': '<h1>hello</h1>',
    })
  })

  test('drops what macOS adds, and folders', async () => {
    const junk = ['__MACOSX/._index.html', '.DS_Store', 'img/.DS_Store', 'img/', 'empty/deep/']
    const { files } = await collect(zipOf([index, ...junk.map((name) => ({ name, content: 'x'.repeat(3) }))]))
    expect(Object.keys(files)).toEqual(['index.html'])
  })

  test('reads names by flag, by the system that wrote them, and with backslashes', async () => {
    const { files } = await collect(
      zipOf([
        index,
        { name: 'flag-é.txt', content: '1' },
        { name: 'unix-é.txt', content: '2', flags: 0 },
        {
          name: new Uint8Array([0x64, 0x6f, 0x73, 0x2d, 0x82, 0x2e, 0x74, 0x78, 0x74]),
          content: '3',
          flags: 0,
          madeOn: 0,
        },
        { name: 'a\\b.txt', content: '4', madeOn: 0 },
        { name: 'nfd-e\u0301.txt', content: '5' },
        { name: '__proto__', content: '6' },
      ]),
    )
    expect(Object.keys(files).toSorted()).toEqual(
      ['index.html', 'flag-é.txt', 'unix-é.txt', 'dos-é.txt', 'a/b.txt', 'nfd-é.txt'].toSorted(),
    )
  })

  test('keeps names that differ only in case', async () => {
    expect(Object.keys((await collect(zipOf([index, { name: 'Index.html' }]))).files)).toEqual([
      'Index.html',
      'index.html',
    ])
  })
})

describe('collectZip refuses', () => {
  test.each<[string, ZipEntryDraft, RegExp]>([
    ['a name that climbs', { name: '../evil' }, /"\.\." part/],
    ['a name that climbs further in', { name: 'a/../../evil' }, /"\.\." part/],
    ['a name that climbs by backslashes', { name: '..\\evil' }, /"\.\." part/],
    ['a folder that climbs', { name: '../evil/' }, /"\.\." part/],
    ['junk that climbs', { name: '__MACOSX/../../evil' }, /"\.\." part/],
    ['an absolute name', { name: '/etc/passwd' }, /absolute/],
    ['a drive letter', { name: 'C:\\evil' }, /absolute/],
    ['an empty part', { name: 'a//b' }, /part/],
    ['a dot part', { name: './a' }, /part/],
    ['an empty name', { name: '' }, /empty/],
    ['a NUL in a name', { name: 'a\0b' }, /control character/],
    ['a line break in a name', { name: 'a\nb' }, /control character/],
    ['a name that is not UTF-8', { name: new Uint8Array([0x61, 0xff]) }, /not UTF-8/],
    ['a long name', { name: 'a/'.repeat(512) + 'b' }, /longer than 1024 bytes/],
    ['a link', { name: 'link', content: '/etc/passwd', unixMode: 0o120777 }, /is a link/],
    ['a device', { name: 'null', unixMode: 0o020666 }, /device/],
    ['a pipe', { name: 'pipe', unixMode: 0o010644 }, /pipe/],
    ['an encrypted entry', { name: 'a', content: 'x', flags: 0x801 }, /encrypted/],
    ['an unknown method', { name: 'a', content: 'x', method: 12 }, /method 12/],
    ['a wrong checksum', { name: 'a', content: 'x', crc: 1 }, /checksum/],
    ['a wrong checksum of a large entry', { name: 'a', content: randomBytes(2_000_000), crc: 1 }, /checksum/],
    ['less than announced', { name: 'a', content: 'xy', uncompressedSize: 3 }, /size/],
    ['more than announced', { name: 'a', content: 'x'.repeat(1000), uncompressedSize: 10 }, /size/],
    [
      'a stored entry of two sizes',
      { name: 'a', content: 'xy', method: 0, uncompressedSize: 3 },
      /size mismatch/,
    ],
    ['broken deflate', { name: 'a', content: 'text', packed: Buffer.alloc(9, 0xff) }, /damaged/],
    [
      'broken deflate in a large entry',
      { name: 'a', packed: Buffer.alloc(2_000_000, 0xff) },
      /cannot be read/,
    ],
    ['an entry beyond the end', { name: 'a', content: 'x', localHeaderAt: 4_000_000 }, /cannot be read/],
    ['an entry longer than the archive', { name: 'a', content: 'x', compressedSize: 900_000 }, /overflows/],
    ['a huge size', { name: 'a', content: 'x', uncompressedSize: 0xffff_fffe }, /unpacks to/],
    ['an index that is there already', { name: 'index.html' }, /appears twice/],
  ])('%s', async (_what, draft, reason) => {
    expect(await refusal(zipOf([index, draft]))).toMatch(reason)
  })

  test('two names in different Unicode forms', async () => {
    expect(await refusal(zipOf([{ name: 'é' }, { name: 'e\u0301' }]))).toMatch(/different Unicode forms/)
  })

  test('entries that share their bytes', async () => {
    const packed = deflateRawSync(Buffer.alloc(100_000))
    const shared = { content: Buffer.alloc(100_000), compressedSize: packed.byteLength, localHeaderAt: 0 }
    expect(
      await refusal(
        zipOf([
          { name: 'a', content: shared.content },
          { name: 'b', ...shared },
        ]),
      ),
    ).toMatch(/overlap/)
  })

  test('more bytes than the limits on size and ratio allow', async () => {
    const zeros = { content: Buffer.alloc(80 * 1024 * 1024) }
    expect(await refusal(zipOf([{ name: 'zeros', ...zeros }]))).toMatch(/more than 200 times/)
    const claims = Array.from({ length: 6 }, (_, i) => ({ name: `a${i}`, uncompressedSize: 0xffff_fff0 }))
    expect(await refusal(zipOf(claims))).toMatch(/more than 21474836480 bytes/)
  })

  test('more entries than the limit', async () => {
    // The count lies in the ZIP64 record, which is refused before an entry is read.
    const zip64 = Buffer.alloc(56 + 20)
    zip64.writeUInt32LE(0x0606_4b50, 0)
    zip64.writeBigUInt64LE(BigInt(limits.archiveEntriesMax + 1), 32)
    zip64.writeUInt32LE(0x0706_4b50, 56)
    const end = Buffer.alloc(22)
    end.writeUInt32LE(0x0605_4b50, 0)
    expect(await refusal(new Blob([new Uint8Array(zip64), new Uint8Array(end)]))).toMatch(/200001 entries/)
  })

  test('what is no zip, or was cut', async () => {
    expect(await refusal(new Blob([]))).toMatch(/cannot be read/)
    expect(await refusal(new Blob(['<html>Not found</html>']))).toMatch(/cannot be read/)
    const whole = zipOf([index, { name: 'a.txt', content: 'text' }])
    for (let length = 1; length < whole.size; length += 7) {
      expect(await refusal(whole.slice(0, length))).toMatch(/cannot be read/)
      expect(await refusal(whole.slice(length))).toMatch(/cannot be read|overlap/)
    }
  })

  test('an archive without files', async () => {
    expect(await refusal(zipOf([]))).toBe('The zip holds no files')
    expect(await refusal(zipOf([{ name: 'folder/' }]))).toBe('The zip holds no files')
  })
})

describe('collectZip hands on', () => {
  test('a failure of the blob store as what it is', async () => {
    const failure = new Error('disk full')
    const blobs: Blobs = { ...memoryBlobs(), batch: (work) => work(() => Promise.reject(failure)) }
    await expect(collectZip(zipOf([index]), { blobs, log: () => undefined })).rejects.toBe(failure)
  })

  test('a stop', async () => {
    const stopped = new Error('stopped')
    const options = { blobs: memoryBlobs(), log: () => undefined, signal: AbortSignal.abort(stopped) }
    await expect(collectZip(zipOf([index]), options)).rejects.toBe(stopped)
  })
})
