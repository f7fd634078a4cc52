import { afterEach, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { createGitRepository, type TestRepository } from '../support/git-repository.ts'
import { type JobRuns, openJobRuns } from '../support/job-runs.ts'
import { requires } from '../support/requires.ts'
import { waitFor } from '../support/wait-for.ts'

let runs: JobRuns | undefined
const repositories: TestRepository[] = []

afterEach(async () => {
  await runs?.close()
  runs = undefined
  for (const repository of repositories.splice(0)) repository.remove()
})

const executor = requires('bwrap') ? 'bubblewrap' : 'process'

function spec(commands: string[], paths?: string[], baseDirectory = 'out'): string {
  const cache = paths && { paths }
  const artifacts = { baseDirectory, files: ['**/*'] }
  return JSON.stringify({
    version: '1',
    frontend: { phases: { build: { commands } }, artifacts, ...(cache && { cache }) },
  })
}

async function begin(files: Record<string, string>) {
  runs ??= await openJobRuns({ executor })
  const repository = await createGitRepository(files)
  repositories.push(repository)
  const branchId = await runs.addApp({ repository: repository.url })
  const build = async () => {
    const jobKey = await runs!.start(branchId)
    const { status } = await runs!.finish(jobKey)
    return { status, log: await runs!.log(jobKey, 'BUILD'), files: await runs!.liveFiles(branchId) }
  }
  return { repository, branchId, build }
}

const counting = 'mkdir -p m out; echo x >> m/n; wc -l < m/n > out/index.html'

test('a folder is there again in the next build, and still published where it is part of the site', async () => {
  const { build } = await begin({ 'amplify.yml': spec([counting, 'cp -r m out/'], ['m/**/*', 'out/m/**/*']) })
  expect((await build()).files).toEqual({ 'index.html': '1\n', 'm/n': 'x\n' })
  const { log, files } = await build()
  expect(files).toMatchObject({ 'index.html': '2\n', 'm/n': 'x\nx\n' })
  const at = (line: string) => log.indexOf(line)
  expect(at('# Retrieved cache')).toBeGreaterThan(0)
  expect(at('# Retrieved cache')).toBeLessThan(at('# Executing command'))
  expect(at('# Caching completed')).toBeLessThan(at('Uploading build artifact'))
})

test('it is restored before anything of the repository runs, which could move folders meanwhile', async () => {
  const ownNvm = { env: { variables: { NVM_DIR: 'nvm' } } }
  const { build } = await begin({
    'amplify.yml': JSON.stringify({ ...JSON.parse(spec([counting], ['m/**/*'])), ...ownNvm }),
    'nvm/nvm.sh': 'echo "It begins with $(cat m/n || echo nothing)."\nnvm() { echo none; }\n',
  })
  expect((await build()).log).toContain('It begins with nothing.')
  expect((await build()).log).toContain('It begins with x.')
})

test('it is kept without artifacts and after a failed build, and dropped when two fail in a row', async () => {
  const { repository, build } = await begin({ 'amplify.yml': spec([counting], ['m/**/*'], 'none') })
  const change = (commands: string[]) => repository.commit({ 'amplify.yml': spec(commands, ['m/**/*']) })
  expect((await build()).log).toContain("Artifact directory doesn't exist: none")
  change([counting, 'false'])
  expect((await build()).status).toBe('FAILED')
  change([counting])
  expect((await build()).files).toEqual({ 'index.html': '3\n' })
  change([counting, 'false'])
  await build()
  await build()
  change([counting])
  expect((await build()).files).toEqual({ 'index.html': '1\n' })
})

test('exclusions, node_modules/.cache, absolute and leaving paths are not cached', async () => {
  const list = 'mkdir -p out; find node_modules a -type f 2>/dev/null | sort > out/index.html'
  const fill =
    'mkdir -p node_modules/.cache node_modules/x a; touch node_modules/.cache/1 node_modules/x/2 node_modules/x/3.map a/4 a/5'
  const paths = ['node_modules/**/*', '!**/*.map', 'a/*', '!a/5', '/etc/**/*', '../**/*']
  const { build } = await begin({ 'amplify.yml': spec([list, fill], paths) })
  await build()
  expect((await build()).files).toEqual({ 'index.html': 'a/4\nnode_modules/x/2\n' })
})

test('a spec without cache reads none; files of the commit stay; what is too large is not kept', async () => {
  const { repository, build } = await begin({ 'amplify.yml': spec([counting], ['m/**/*']) })
  await build()
  repository.commit({ 'amplify.yml': spec([counting]) })
  expect((await build()).files).toEqual({ 'index.html': '1\n' })
  repository.commit({ 'amplify.yml': spec([counting], ['m/**/*']), 'm/n': 'a\nb\nc\n' })
  expect((await build()).files).toEqual({ 'index.html': '4\n' })
  repository.commit({
    'amplify.yml': spec(['mkdir out; head -c 70M /dev/zero > m/big; touch out/a'], ['m/**/*']),
  })
  const large = await build()
  expect(large).toMatchObject({ status: 'SUCCEED' })
  expect(large.log).toContain('! Unable to write cache: File size must be less than')
}, 30_000)

test('links are moved as links, and none leads what is restored or saved elsewhere', async () => {
  const { repository, build } = await begin({
    'amplify.yml': spec(['mkdir out p; touch out/a p/f; ln -s /etc m'], ['m', 'p/**/*']),
  })
  expect((await build()).status).toBe('SUCCEED')
  const victimFolder = `${repository.folder}-victim`
  mkdirSync(victimFolder)
  symlinkSync(victimFolder, join(repository.folder, 'p'))
  repository.commit({ 'amplify.yml': spec(['mkdir out; readlink m > out/a'], ['m', 'p/**/*']) })
  expect((await build()).files).toEqual({ a: '/etc\n' })
  expect(readdirSync(victimFolder)).toEqual([])
  repository.commit({
    'amplify.yml': spec(['mkdir -p out q; touch out/a; rm -rf q; ln -s /etc q'], ['q/**/*', 'q/passwd']),
  })
  expect((await build()).status).toBe('SUCCEED')
})

test('a damaged cache is no cache', async () => {
  const { branchId, build } = await begin({ 'amplify.yml': spec([counting], ['m/**/*']) })
  await build()
  writeFileSync(join(runs!.folder, 'caches/builds', branchId, 'cache.json'), '{"paths": 1')
  expect((await build()).files).toEqual({ 'index.html': '1\n' })
  expect((await build()).files).toEqual({ 'index.html': '2\n' })
})

const appOfMonorepo = (root: string, letter: string) => ({
  appRoot: root,
  frontend: {
    phases: { build: { commands: [`mkdir -p m out; printf ${letter} >> m/n; cp m/n out/index.html`] } },
    artifacts: { baseDirectory: 'out', files: ['**/*'] },
    cache: { paths: ['m/**/*'] },
  },
})

test('each app of a monorepo, and each branch, has its own, below its folder', async () => {
  const applications = [appOfMonorepo('apps/web', 'w'), appOfMonorepo('apps/shop', 's')]
  const { repository } = await begin({
    'amplify.yml': JSON.stringify({ version: '1', applications }),
    'apps/web/x': '',
    'apps/shop/x': '',
  })
  const seen: unknown[] = []
  const branches = await Promise.all(
    applications.map(({ appRoot }) =>
      runs!.addApp({
        repository: repository.url,
        environmentVariables: { AMPLIFY_MONOREPO_APP_ROOT: appRoot },
      }),
    ),
  )
  for (const branchId of [...branches, ...branches]) {
    await runs!.finish(await runs!.start(branchId))
    seen.push(await runs!.liveFiles(branchId))
  }
  expect(seen).toEqual(['w', 's', 'ww', 'ss'].map((text) => ({ 'index.html': text })))
})

test('the one that was used longest ago is dropped when all are too much', async () => {
  runs = await openJobRuns({ executor, caches: { bytesMax: 5 * 1024 ** 2 } })
  const fill = 'mkdir -p m out; echo x >> m/n; head -c 2M /dev/urandom > m/big; wc -l < m/n > out/index.html'
  const files = { 'amplify.yml': spec([fill], ['m/**/*']) }
  const [first, second, third] = [await begin(files), await begin(files), await begin(files)]
  await first.build()
  await second.build()
  await first.build()
  await third.build()
  const cached = () => readdirSync(join(runs!.folder, 'caches/builds')).toSorted()
  await waitFor('one to be dropped', 10, () => cached().length === 2)
  expect(cached()).toEqual([first.branchId, third.branchId].toSorted())
  expect((await first.build()).files).toEqual({ 'index.html': '3\n' })
})

test('it is copied where it lies on another file system', async () => {
  const folder = mkdtempSync('/dev/shm/preamp-caches-')
  try {
    runs = await openJobRuns({ executor, caches: { folder } })
    expect(statSync(folder).dev).not.toBe(statSync(runs.workRoot).dev)
    const { build } = await begin({ 'amplify.yml': spec([counting], ['m/**/*']) })
    await build()
    expect((await build()).files).toEqual({ 'index.html': '2\n' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('jobs that clone one repository at the same time wait for each other’s fetch', async () => {
  runs = await openJobRuns({ executor })
  const { repository } = await begin({ 'amplify.yml': spec(['mkdir out; git log --format=%s > out/log']) })
  repository.commit({ a: 'b' })
  const branches = await Promise.all([1, 2, 3, 4].map(() => runs!.addApp({ repository: repository.url })))
  const jobs = await Promise.all(branches.map((branchId) => runs!.start(branchId)))
  for (const jobKey of jobs) expect((await runs.finish(jobKey)).status).toBe('SUCCEED')
  expect(readdirSync(join(runs.folder, 'caches/git')).length).toBe(1)
})
