import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Publishing an uploaded zip of 10,000 files (200 MB), from the archive to the moved pointer with everything durable,
 * against `unzip` plus `sha256sum` of the same files, which makes nothing durable. The claim in docs/performance.md: a
 * ratio of at most 2.
 */
import { openDiskBlobs } from '../src/blobs/disk.ts'
import { collectZip } from '../src/deploy/collect-zip.ts'
import { publish } from '../src/deploy/publish.ts'
import { openDatabase } from '../src/store/database.ts'
import { addSite } from '../test/support/site-rows.ts'

const files = 10_000
const fileBytes = 20_000
const rounds = 5

const folder = mkdtempSync(join(tmpdir(), 'preamp-bench-'))
try {
  const archive = makeArchive()
  const byHand: number[] = []
  const byPreamp: number[] = []
  for (let round = 0; round < rounds; round++) {
    flushDisk()
    byHand.push(await timed(() => unzipAndHash(archive)))
    flushDisk()
    byPreamp.push(await timed(() => publishArchive(archive)))
  }
  const [hand, preamp] = [median(byHand), median(byPreamp)]
  console.log(`unzip and sha256sum: ${hand.toFixed(0)} ms (${byHand.map(Math.round).join(', ')})`)
  console.log(`publish:             ${preamp.toFixed(0)} ms (${byPreamp.map(Math.round).join(', ')})`)
  console.log(`ratio ${(preamp / hand).toFixed(2)} (claim: at most 2)`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** So that nobody pays for what was written before. What a round made is removed after the last, for the same reason. */
function flushDisk(): void {
  run(['sync', '-f', folder])
}

/** Half pages of text, half images, which do not pack. */
function makeArchive(): string {
  const words = Array.from({ length: 5000 }, () => Math.floor(Math.random() * 2 ** 28).toString(16))
  const site = join(folder, 'site')
  for (let number = 0; number < files - 1; number++) {
    const isPage = number % 2 === 0
    const path = join(site, `section-${number % 100}`, isPage ? `page-${number}.html` : `image-${number}.png`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, isPage ? text(words) : crypto.getRandomValues(new Uint8Array(fileBytes)))
  }
  writeFileSync(join(site, 'index.html'), text(words))
  const archive = join(folder, 'site.zip')
  run(['zip', '-q', '-r', archive, '.'], site)
  rmSync(site, { recursive: true })
  return archive
}

function text(words: string[]): string {
  let page = ''
  while (page.length < fileBytes) page += `${words[Math.floor(Math.random() * words.length)]} `
  return page.slice(0, fileBytes)
}

function unzipAndHash(archive: string): void {
  const output = mkdtempSync(join(folder, 'unzipped-'))
  run(['unzip', '-q', archive, '-d', output])
  const names = Bun.spawnSync(['find', output, '-type', 'f', '-print0']).stdout
  run(['xargs', '-0', 'sha256sum', '--'], folder, names)
}

async function publishArchive(archive: string): Promise<void> {
  const data = mkdtempSync(join(folder, 'data-'))
  const blobs = await openDiskBlobs(join(data, 'blobs'))
  const database = await openDatabase(`sqlite:${join(data, 'preamp.db')}`)
  const { job } = await addSite(database)
  const manifest = await collectZip(Bun.file(archive), { blobs, log: console.log })
  const { deployment } = await publish({ database, blobs, job, manifest, now: Date.now() })
  await database.close()
  if (deployment.files !== files)
    throw new Error(`${deployment.files} files were published instead of ${files}`)
}

/** @returns milliseconds */
async function timed(work: () => void | Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function run(command: string[], cwd = folder, stdin?: Uint8Array): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd, stdin: stdin ?? 'ignore', stdout: 'ignore' })
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}: ${stderr.toString()}`)
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
