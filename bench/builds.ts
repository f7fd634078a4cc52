import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * What makes the second build of a branch faster. The claims in docs/performance.md: the cache of a `node_modules` of 30,000
 * files is restored and saved in at most 0.25 of `tar` pack plus unpack; a checkout one commit later takes at most 0.2 of a
 * fresh clone; StartJob to the first command's output takes at most 300 ms.
 */
import { GetJobCommand, StartJobCommand } from '@aws-sdk/client-amplify'
import { pino } from 'pino'

import { openBuildCaches } from '../src/build/caches/build-caches.ts'
import { readCachePaths } from '../src/build/caches/cache-paths.ts'
import { copyTree } from '../src/build/caches/move-tree.ts'
import { checkout } from '../src/git/checkout.ts'
import { type Mirrors, openMirrors } from '../src/git/mirrors.ts'
import { anyRepository, createGitRepository, type TestRepository } from '../test/support/git-repository.ts'
import { startPreamp } from '../test/support/preamp.ts'
import { createBranch, untilSucceeded } from './support/jobs.ts'
import { median, option, runProgram, timed } from './support/measure.ts'

const rounds = option('--rounds', 5)
const folder = mkdtempSync(join(tmpdir(), 'preamp-bench-'))
try {
  await measureCache()
  await measureCheckout()
  await measureFirstOutput()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measureCache(): Promise<void> {
  const [jobFolder, cachesFolder] = [join(folder, 'job'), join(folder, 'caches')]
  const clone = join(jobFolder, 'build/site')
  const modules = join(clone, 'node_modules')
  for (let number = 0; number < 30_000; number++) {
    const part = join(modules, `package-${number % 600}/lib`)
    mkdirSync(part, { recursive: true })
    writeFileSync(join(part, `${number}.js`), 'export const value = 1\n'.repeat(1 + (number % 200)))
  }
  mkdirSync(cachesFolder)
  const caches = openBuildCaches({
    folder: cachesFolder,
    bytesMax: 5 * 1024 ** 3,
    log: pino({ level: 'warn' }),
  })
  const build = { jobFolder, branchId: 'branch', clone: 'build/site', buildPath: '', executor: 'none' }
  const save = async () => {
    await caches.keep(build, readCachePaths(['node_modules/**/*']))
    await caches.takeBack(jobFolder, false)
  }
  await save()
  const [moved, packed, copied]: number[][] = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    let milliseconds = await timed(() => caches.restore(build, build.branchId))
    const [archive, unpacked] = [join(folder, 'modules.tar'), join(folder, 'unpacked')]
    mkdirSync(unpacked)
    packed!.push(
      await timed(() => {
        runProgram(['tar', '-cf', archive, '-C', clone, 'node_modules'])
        runProgram(['tar', '-xf', archive, '-C', unpacked])
      }),
    )
    rmSync(unpacked, { recursive: true })
    copied!.push(await timed(() => copyTree(modules, join(folder, 'copied'))))
    rmSync(join(folder, 'copied'), { recursive: true })
    milliseconds += await timed(save)
    moved!.push(milliseconds)
  }
  report('cache, restored and saved by moving', moved!, 'tar pack and unpack', packed!, 'at most 0.25')
  report('cache, one copy', copied!, 'tar pack and unpack', packed!, 'reported only')
}

async function measureCheckout(): Promise<void> {
  const repository = await createLargeRepository()
  mkdirSync(join(folder, 'mirrors'))
  const mirrors = openMirrors({ folder: join(folder, 'mirrors'), bytesMax: 5 * 1024 ** 3 })
  await checkOut(repository, mirrors)
  const [warm, fresh]: number[][] = [[], []]
  for (let round = 0; round < rounds; round++) {
    repository.commit({ 'new.txt': String(round) })
    warm!.push(await checkOut(repository, mirrors))
    fresh!.push(await checkOut(repository, undefined))
  }
  repository.remove()
  report('checkout, one commit later', warm!, 'fresh clone', fresh!, 'at most 0.2')
}

/** 2,000 commits, each with 50 KB that do not pack: 100 MB. */
async function createLargeRepository(): Promise<TestRepository> {
  const repository = await createGitRepository({ 'index.html': 'one' })
  const bytes = 50_000
  const pieces: Uint8Array[] = []
  for (let number = 0; number < 2000; number++) {
    const from = number === 0 ? 'from refs/heads/main^0\n' : ''
    const head = `commit refs/heads/main\ncommitter Ada <ada@example.test> ${1_700_000_000 + number} +0000\ndata 1\nc\n${from}M 644 inline file-${number % 20}\ndata ${bytes}\n`
    pieces.push(Buffer.from(head), crypto.getRandomValues(new Uint8Array(bytes)), Buffer.from('\n'))
  }
  runProgram(['git', 'fast-import', '--quiet', '--force'], {
    cwd: repository.folder,
    stdin: Buffer.concat(pieces),
  })
  repository.git('reset', '--quiet', '--hard')
  return repository
}

/** @returns milliseconds */
async function checkOut(repository: TestRepository, of: Mirrors | undefined): Promise<number> {
  const [clone, scratchFolder] = [join(folder, 'clone'), join(folder, 'scratch')]
  mkdirSync(scratchFolder, { recursive: true })
  const milliseconds = await timed(() =>
    checkout({
      repository: repository.url,
      branch: 'main',
      folder: clone,
      scratchFolder,
      localRepositories: anyRepository,
      privateAllowed: true,
      mirrors: of && { of, account: '000000000000' },
      signal: AbortSignal.timeout(600_000),
    }),
  )
  rmSync(clone, { recursive: true })
  return milliseconds
}

async function measureFirstOutput(): Promise<void> {
  const repository = await createGitRepository({
    'index.html': 'one',
    'amplify.yml':
      'version: 1\nfrontend:\n  phases:\n    build:\n      commands: [date +%s%N]\n  artifacts:\n    baseDirectory: .\n    files: ["**/*"]\n',
  })
  const preamp = await startPreamp()
  try {
    const branch = await createBranch(preamp.client, repository.url)
    const milliseconds: number[] = []
    for (let round = 0; round <= rounds; round++) {
      const start = Date.now()
      const { jobSummary } = await preamp.client.send(new StartJobCommand({ ...branch, jobType: 'RELEASE' }))
      const jobId = jobSummary!.jobId!
      await untilSucceeded(preamp.client, branch, jobId)
      const { job } = await preamp.client.send(new GetJobCommand({ ...branch, jobId }))
      const log = await (await fetch(job!.steps![0]!.logUrl!)).text()
      const printed = Number(/INFO\]: (\d{19})/.exec(log)![1]) / 1e6
      // The first build has no mirror yet.
      if (round > 0) milliseconds.push(printed - start)
    }
    console.log(`StartJob to the first output: ${median(milliseconds).toFixed(0)} ms (claim: at most 300 ms)`)
  } finally {
    await preamp.stop()
    repository.remove()
  }
}

function report(name: string, ours: number[], peerName: string, peer: number[], claim: string): void {
  const [own, other] = [median(ours), median(peer)]
  const ratio = (own / other).toFixed(2)
  console.log(
    `${name}: ${own.toFixed(0)} ms; ${peerName}: ${other.toFixed(0)} ms; ratio ${ratio} (claim: ${claim})`,
  )
}
