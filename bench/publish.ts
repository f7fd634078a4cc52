import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { CreateDeploymentCommand, StartDeploymentCommand } from '@aws-sdk/client-amplify'

/**
 * Publishing an uploaded zip of 10,000 files (200 MB), from StartDeployment to SUCCEED with everything durable and
 * visible, against `unzip` plus `sha256sum` of the same files, which makes nothing durable. The claim in
 * docs/performance.md: a ratio of at most 2.
 */
import { startPreamp } from '../test/support/preamp.ts'
import { createBranch, untilSucceeded } from './support/jobs.ts'
import { median, runProgram, timed } from './support/measure.ts'

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
    byPreamp.push(await publishArchive(archive))
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
  runProgram(['sync', '-f', folder])
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
  runProgram(['zip', '-q', '-r', archive, '.'], { cwd: site })
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
  runProgram(['unzip', '-q', archive, '-d', output])
  const names = Bun.spawnSync(['find', output, '-type', 'f', '-print0']).stdout
  runProgram(['xargs', '-0', 'sha256sum', '--'], { stdin: names })
}

/**
 * A server of its own for each round: one that has stored the files already would not write them again.
 * @returns milliseconds
 */
async function publishArchive(archive: string): Promise<number> {
  const { client, ...preamp } = await startPreamp({ dataDir: mkdtempSync(join(folder, 'data-')) })
  try {
    const branch = await createBranch(client)
    const { jobId, zipUploadUrl } = await client.send(new CreateDeploymentCommand(branch))
    const upload = await fetch(zipUploadUrl!, { method: 'PUT', body: Bun.file(archive) })
    if (!upload.ok) throw new Error(`The upload was answered ${upload.status}`)
    flushDisk()
    return await timed(async () => {
      await client.send(new StartDeploymentCommand({ ...branch, jobId: jobId! }))
      await untilSucceeded(client, branch, jobId!)
    })
  } finally {
    await preamp.stop({ keepData: true })
  }
}
