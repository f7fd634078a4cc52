import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { S3Client } from 'bun'

import { collectSource, type SourceOptions } from '../../src/deploy/collect-source.ts'
import { RefusedContent } from '../../src/deploy/refused-content.ts'
import { readS3Settings } from '../../src/deploy/s3-source.ts'
import { type Ceph, cephPrograms, startCeph } from '../support/ceph.ts'
import { memoryBlobs } from '../support/memory-blobs.ts'
import { requires } from '../support/requires.ts'
import { zipOf } from '../support/zip-writer.ts'

const index = { name: 'index.html', content: '<h1>hello</h1>' }

let temporaryFolder: string

beforeEach(async () => {
  temporaryFolder = await mkdtemp(join(tmpdir(), 'preamp-source-'))
})
afterEach(async () => {
  expect(await readdir(temporaryFolder)).toEqual([])
  await rm(temporaryFolder, { recursive: true })
})

async function collect(source: Pick<SourceOptions, 'sourceUrl'> & Partial<SourceOptions>) {
  const blobs = memoryBlobs()
  const log: string[] = []
  const { files } = await collectSource({
    blobs,
    sourceUrlType: 'ZIP',
    s3: {},
    privateAllowed: true,
    temporaryFolder,
    log: (line) => void log.push(line),
    ...source,
  })
  const texts = Object.entries(files).map(([path, { sha }]) => [
    path,
    new TextDecoder().decode(blobs.stored.get(sha)),
  ])
  return { files: Object.fromEntries(texts) as Record<string, string>, log }
}

async function refusal(source: Pick<SourceOptions, 'sourceUrl'> & Partial<SourceOptions>): Promise<string> {
  const error = await collect(source).catch((thrown: unknown) => thrown)
  if (!(error instanceof RefusedContent)) throw new Error('The source was not refused', { cause: error })
  return error.message
}

describe('a zip by http', () => {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    routes: {
      '/site.zip': () => new Response(zipOf([index])),
      '/moved': () => Response.redirect('/site.zip'),
      '/page': () => new Response('<html>no zip</html>'),
    },
    fetch: () => new Response('gone', { status: 404 }),
  })
  const origin = `http://127.0.0.1:${server.port}`
  afterAll(() => server.stop(true))

  test('is unpacked', async () => {
    const expected = { 'index.html': '<h1>hello</h1>' }
    const { files, log } = await collect({ sourceUrl: `${origin}/site.zip` })
    expect(files).toEqual(expected)
    expect(log).toEqual([`Got archive: ${zipOf([index]).size} bytes`])
    expect((await collect({ sourceUrl: `${origin}/moved` })).files).toEqual(expected)
  })

  test('is refused with the reason', async () => {
    expect(await refusal({ sourceUrl: `${origin}/none.zip?signature=secret` })).toBe(
      `${origin}/none.zip answered 404 where 200 and a zip were expected`,
    )
    expect(await refusal({ sourceUrl: `${origin}/page` })).toMatch(/zip cannot be read/)
    expect(await refusal({ sourceUrl: `${origin}/site.zip`, privateAllowed: false })).toMatch(
      /private address/,
    )
    expect(await refusal({ sourceUrl: `${origin}/site.zip`, sourceUrlType: 'BUCKET_PREFIX' })).toMatch(
      /s3:\/\//,
    )
  })

  test('ends when it is stopped', async () => {
    const stopped = new Error('stopped')
    const source = collect({ sourceUrl: `${origin}/site.zip`, signal: AbortSignal.abort(stopped) })
    await expect(source).rejects.toBe(stopped)
  })
})

describe('s3:// without a server', () => {
  test('asks the operator for credentials', async () => {
    expect(await refusal({ sourceUrl: 's3://bucket/site.zip' })).toMatch(/operator sets AWS_ACCESS_KEY_ID/)
    expect(await refusal({ sourceUrl: 's3://bucket/site', sourceUrlType: 'BUCKET_PREFIX' })).toMatch(
      /AWS_ACCESS_KEY_ID/,
    )
  })

  test.each([
    's3://',
    's3:///key',
    's3://b/key',
    's3://../key',
    's3://a..b/key',
    's3://host:80/key',
    's3://bucket//key',
  ])('refuses %s', async (sourceUrl) => {
    expect(await refusal({ sourceUrl })).toMatch(/not an S3 address/)
  })

  test('refuses a bucket where a zip is wanted', async () => {
    expect(await refusal({ sourceUrl: 's3://bucket' })).toMatch(/add the key of the zip/)
  })

  test('says when the endpoint does not answer', async () => {
    const s3 = { endpoint: 'http://127.0.0.1:1', accessKeyId: 'id', secretAccessKey: 'secret' }
    expect(await refusal({ sourceUrl: 's3://bucket/site.zip', s3 })).toMatch(/endpoint does not answer/)
  })

  test.each(['ZIP', 'BUCKET_PREFIX'] as const)(
    'a stop does not wait for an endpoint that is silent: %s',
    async (type) => {
      const { promise: asked, resolve: wasAsked } = Promise.withResolvers<void>()
      using silent = Bun.serve({
        port: 0,
        hostname: '127.0.0.1',
        fetch: () => {
          wasAsked()
          return new Promise<Response>(() => undefined)
        },
      })
      const control = new AbortController()
      const source = collect({
        sourceUrl: 's3://bucket/site',
        sourceUrlType: type,
        s3: { endpoint: `http://127.0.0.1:${silent.port}`, accessKeyId: 'id', secretAccessKey: 'secret' },
        signal: control.signal,
      })
      await asked
      const stopped = new Error('stopped')
      control.abort(stopped)
      await expect(source).rejects.toBe(stopped)
    },
  )

  test('reads the standard variables', () => {
    expect(
      readS3Settings({
        AWS_ENDPOINT_URL: 'http://all',
        AWS_ENDPOINT_URL_S3: 'http://s3',
        AWS_DEFAULT_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'id',
        AWS_SECRET_ACCESS_KEY: '',
        HOME: '/root',
      }),
    ).toEqual({ endpoint: 'http://s3', region: 'eu-west-1', accessKeyId: 'id' })
  })
})

describe.if(requires(...cephPrograms))('s3:// on Ceph', () => {
  let ceph: Ceph
  let bucket: S3Client

  beforeAll(async () => {
    ceph = await startCeph()
    await ceph.createBucket('sites')
    bucket = new S3Client({ ...ceph, bucket: 'sites' })
  }, 120_000)
  afterAll(() => ceph?.stop())

  const prefix = (sourceUrl: string) =>
    ({ sourceUrl, sourceUrlType: 'BUCKET_PREFIX', s3: ceph }) satisfies Partial<SourceOptions>

  test('a zip', async () => {
    await bucket.write('folder/site 1.zip', zipOf([index, { name: 'a.css', content: 'a{}' }]))
    expect((await collect({ sourceUrl: 's3://sites/folder/site 1.zip', s3: ceph })).files).toEqual({
      'a.css': 'a{}',
      'index.html': '<h1>hello</h1>',
    })
  })

  test('all objects below a prefix, and none beside it', async () => {
    const odd = ['a&b <x>.html', 'é ü+%41.txt', '"q\'.txt', '😀/x.txt']
    await Promise.all(
      ['index.html', 'a/b.css', ...odd].map((name) => bucket.write(`below/site/${name}`, `text of ${name}`)),
    )
    await bucket.write('below/site-2/index.html', 'another site')
    // Consoles mark folders so.
    await ceph.createEmptyObject('sites', 'below/site/marker/')
    const expected = Object.fromEntries(
      ['index.html', 'a/b.css', ...odd].map((name) => [name, `text of ${name}`]),
    )
    expect((await collect(prefix('s3://sites/below/site'))).files).toEqual(expected)
    expect((await collect(prefix('s3://sites/below/site/'))).files).toEqual(expected)
  })

  test('more objects than one page of a listing holds', async () => {
    const names = Array.from({ length: 250 }, (_, number) => `file-${number}.txt`)
    for (let start = 0; start < names.length; start += 50) {
      await Promise.all(names.slice(start, start + 50).map((name) => bucket.write(`many/${name}`, name)))
    }
    const { files } = await collect(prefix('s3://sites/many'))
    expect(Object.keys(files)).toEqual(names.toSorted())
    expect(files['file-249.txt']).toBe('file-249.txt')
  })

  test('hostile keys are refused', async () => {
    await bucket.write('climbs/a/../../evil', 'x')
    expect(await refusal(prefix('s3://sites/climbs'))).toMatch(/"\.\." part/)
    await bucket.write('empty//part', 'x')
    expect(await refusal(prefix('s3://sites/empty'))).toMatch(/absolute/)
    await bucket.write('lines/a\nb', 'x')
    expect(await refusal(prefix('s3://sites/lines'))).toMatch(/control character/)
  })

  test('says what is missing or wrong', async () => {
    expect(await refusal(prefix('s3://sites/nothing'))).toBe('There are no objects below s3://sites/nothing/')
    expect(await refusal(prefix('s3://no-bucket/x'))).toMatch(/no such bucket \(NoSuchBucket\)/)
    expect(await refusal({ sourceUrl: 's3://sites/none.zip', s3: ceph })).toMatch(
      /no such object \(NoSuchKey\)/,
    )
    const wrongSecret = { ...ceph, secretAccessKey: 'wrong' }
    expect(await refusal({ sourceUrl: 's3://sites/none.zip', s3: wrongSecret })).toMatch(
      /SECRET_ACCESS_KEY is wrong/,
    )
    const wrongKey = { ...ceph, accessKeyId: 'NOBODY' }
    expect(await refusal({ sourceUrl: 's3://sites/none.zip', s3: wrongKey })).toMatch(/KEY_ID is not known/)
  })
})
