import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { anyRepository, createGitRepository, type TestRepository } from '../../test/support/git-repository.ts'
import { createGitServer } from '../../test/support/git-server.ts'
import { checkout } from './checkout.ts'
import { type Mirrors, openMirrors } from './mirrors.ts'

const token = 'token-1234'
const server = createGitServer({ user: 'x-access-token', password: token })
afterAll(() => server.stop())

let folder: string
let mirrors: Mirrors
let repository: TestRepository
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-mirrors-'))
  for (const name of ['scratch', 'mirrors']) mkdirSync(join(folder, name))
  mirrors = openMirrors({ folder: join(folder, 'mirrors'), bytesMax: 1024 ** 3 })
  repository = await createGitRepository({ a: '1' }, 'site')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
  repository.remove()
})

async function checkOut(url: string, options: { token?: string; account?: string } = {}): Promise<string> {
  rmSync(join(folder, 'site'), { recursive: true, force: true })
  await checkout({
    repository: url,
    branch: 'main',
    folder: join(folder, 'site'),
    scratchFolder: join(folder, 'scratch'),
    localRepositories: anyRepository,
    privateAllowed: true,
    mirrors: { of: mirrors, account: options.account ?? '1' },
    signal: AbortSignal.timeout(30_000),
    ...('token' in options ? { token: options.token } : { token }),
  })
  return readFileSync(join(folder, 'site/a'), 'utf8')
}

const git = (...args: string[]) =>
  Bun.spawnSync(['git', ...args], { cwd: join(folder, 'site') })
    .stdout.toString()
    .trim()

test('a second clone is whole, and has what is new, forced pushes and tags', async () => {
  const url = server.serve(repository)
  expect(await checkOut(url)).toBe('1')
  repository.commit({ a: '2' })
  repository.git('tag', 'v1')
  expect(await checkOut(url)).toBe('2')
  expect(git('describe', '--tags')).toBe('v1')
  expect(git('status', '--porcelain')).toBe('')
  expect(git('remote', 'get-url', 'origin')).toBe(url)
  repository.git('reset', '--quiet', '--hard', 'HEAD~1')
  repository.git('tag', '--delete', 'v1')
  expect(await checkOut(url)).toBe('1')
  expect(git('tag')).toBe('')
  expect(git('fsck', '--no-dangling')).toBe('')
})

test('nothing of it is given to who may not read the repository, and no account uses that of another', async () => {
  const url = server.serve(repository)
  await checkOut(url)
  await expect(checkOut(url, { token: 'wrong' })).rejects.toThrow(/the accessToken of the app was refused/)
  expect(readdirSync(folder)).not.toContain('site')
  await checkOut(url, { account: '2' })
  expect(readdirSync(join(folder, 'mirrors')).length).toBe(2)
})

test('a damaged one is forgotten and made anew', async () => {
  const url = server.serve(repository)
  await checkOut(url)
  const [name = ''] = readdirSync(join(folder, 'mirrors'))
  const packs = join(folder, 'mirrors', name, 'objects/pack')
  for (const file of readdirSync(packs)) {
    rmSync(join(packs, file))
    writeFileSync(join(packs, file), 'damaged')
  }
  expect(await checkOut(url)).toBe('1')
  expect(readdirSync(join(folder, 'mirrors'))).toEqual([])
  expect(await checkOut(url)).toBe('1')
  expect(readdirSync(join(folder, 'mirrors'))).toEqual([name])
})
