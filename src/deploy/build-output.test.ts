import { expect, test } from 'bun:test'

import { memoryBlobs } from '../../test/support/memory-blobs.ts'
import { emptyManifest, type Manifest } from '../model/manifest.ts'
import { writeBuildOutputZip } from './build-output.ts'
import { collectZip } from './collect-zip.ts'

async function store(files: Record<string, string>) {
  const blobs = memoryBlobs()
  const manifest: Manifest = emptyManifest()
  for (const [path, text] of Object.entries(files)) manifest.files[path] = await blobs.put(text)
  return { blobs, manifest }
}

test('the zip of a deployment holds its files, byte for byte', async () => {
  const { blobs, manifest } = await store({
    'a/é.txt': 'text',
    'empty.txt': '',
    'index.html': '<p>x</p>'.repeat(100_000),
  })
  const zip = await new Response(writeBuildOutputZip(blobs, manifest, 1_700_000_000_000)).blob()
  expect(zip.size).toBeLessThan(100_000)
  expect(await collectZip(zip, { blobs: memoryBlobs(), log: () => undefined })).toEqual(manifest)
})

test('the same deployment gives the same zip', async () => {
  const { blobs, manifest } = await store({ 'b.txt': 'b', 'index.html': 'a' })
  const [one, other] = await Promise.all(
    [1, 2].map(() => new Response(writeBuildOutputZip(blobs, manifest, 1_700_000_000_000)).bytes()),
  )
  expect(one).toEqual(other)
})

test('a blob that is not as the manifest says ends the zip with an error', async () => {
  const { blobs, manifest } = await store({ 'index.html': 'text' })
  manifest.files['index.html']!.size = 5
  await expect(new Response(writeBuildOutputZip(blobs, manifest, 0)).bytes()).rejects.toThrow(
    /number of bytes/,
  )
})

test('a reader that leaves ends it', async () => {
  const { blobs, manifest } = await store({ 'index.html': 'x'.repeat(1_000_000) })
  const reader = writeBuildOutputZip(blobs, manifest, 0).getReader()
  await reader.read()
  await reader.cancel()
  expect((await reader.read()).done).toBe(true)
})
