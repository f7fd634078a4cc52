import { afterEach, beforeEach, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Blobs } from '../../src/blobs/blobs.ts'
import { openDiskBlobs } from '../../src/blobs/disk.ts'
import { writeBuildOutputZip } from '../../src/deploy/build-output.ts'
import { collectFolder } from '../../src/deploy/collect-folder.ts'
import { collectZip } from '../../src/deploy/collect-zip.ts'
import { RefusedContent } from '../../src/deploy/refused-content.ts'
import type { Manifest } from '../../src/model/manifest.ts'
import { zipOf } from '../support/zip-writer.ts'

let folder: string
let blobs: Blobs

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'preamp-deploy-'))
  blobs = await openDiskBlobs(join(folder, 'blobs'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const large = randomBytes(3 * 1024 * 1024)

async function expectStored(manifest: Manifest, files: Record<string, string | Uint8Array>): Promise<void> {
  expect(Object.keys(manifest.files)).toEqual(Object.keys(files).toSorted())
  for (const [path, content] of Object.entries(files)) {
    const { sha, size } = manifest.files[path]!
    expect(await blobs.verify(sha)).toBe('ok')
    expect(size).toBe(Buffer.from(content).byteLength)
    expect(Buffer.from(await blobs.open(sha).arrayBuffer()).equals(Buffer.from(content))).toBe(true)
  }
}

test('an output folder lies on disk, byte for byte, and so does its zip unpacked again', async () => {
  const files = { 'index.html': 'hello', 'copy/index.html': 'hello', 'empty.txt': '', 'large.bin': large }
  const root = join(folder, 'root')
  await mkdir(join(root, 'dist/copy'), { recursive: true })
  for (const [path, content] of Object.entries(files)) await writeFile(join(root, 'dist', path), content)
  const options = { blobs, root, baseDirectory: 'dist', files: ['**/*'], discardPaths: false }
  const manifest = await collectFolder(options)
  await expectStored(manifest, files)
  const zip = await new Response(writeBuildOutputZip(blobs, manifest, 0)).blob()
  expect(await collectZip(zip, { blobs, log: () => undefined })).toEqual(manifest)
})

test('a zip lies on disk, byte for byte', async () => {
  const files = { 'a.txt': 'a', 'index.html': 'hello', 'large.bin': large }
  const archive = zipOf(Object.entries(files).map(([name, content]) => ({ name, content })))
  await expectStored(await collectZip(archive, { blobs, log: () => undefined }), files)
})

test('of a refused zip nothing is kept, however late the reason comes', async () => {
  const entries = Array.from({ length: 50 }, (_, number) => ({
    name: `${number}.txt`,
    content: `text ${number}`,
  }))
  const archive = zipOf([...entries, { name: 'broken.bin', content: large, crc: 1 }])
  await expect(collectZip(archive, { blobs, log: () => undefined })).rejects.toBeInstanceOf(RefusedContent)
  expect(await Array.fromAsync(blobs.list())).toEqual([])
})
