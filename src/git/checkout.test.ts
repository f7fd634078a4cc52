import { afterAll, afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

import { anyRepository, createGitRepository, type TestRepository } from '../../test/support/git-repository.ts'
import { createGitServer } from '../../test/support/git-server.ts'
import { checkout, CheckoutFailed, type CheckoutOptions } from './checkout.ts'

let folder: string
let repositories: TestRepository[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-checkout-'))
  mkdirSync(join(folder, 'scratch'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
  for (const repository of repositories) repository.remove()
  repositories = []
})

async function repositoryWith(files: Record<string, string>, name?: string): Promise<TestRepository> {
  const repository = await createGitRepository(files, name)
  repositories.push(repository)
  return repository
}

function checkOut(repository: string, options: Partial<CheckoutOptions> = {}) {
  return checkout({
    repository,
    branch: 'main',
    folder: join(folder, 'site'),
    scratchFolder: join(folder, 'scratch'),
    localRepositories: anyRepository,
    privateAllowed: true,
    signal: new AbortController().signal,
    ...options,
  })
}

const read = (path: string) => readFileSync(join(folder, 'site', path), 'utf8')

/** Everything that a build could find in the clone. */
function everythingIn(path: string): string {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}

describe('a local repository', () => {
  test('is checked out at the newest commit of the branch', async () => {
    const repository = await repositoryWith({ 'index.html': 'one' })
    const id = repository.commit({ 'index.html': 'two' }, 'Say two\n\nAnd why.')
    expect(await checkOut(repository.url)).toEqual({
      id,
      message: 'Say two\n\nAnd why.',
      time: Number(repository.git('log', '-1', '--format=%ct')) * 1000,
    })
    expect(read('index.html')).toBe('two')
  })

  test('is named by its path too', async () => {
    const repository = await repositoryWith({ 'index.html': 'one' })
    await checkOut(repository.folder)
    expect(read('index.html')).toBe('one')
  })

  test('is checked out at a recorded commit, also one that the branch has left', async () => {
    const repository = await repositoryWith({ 'index.html': 'one' })
    const left = repository.commit({ 'index.html': 'left behind' })
    repository.git('reset', '--quiet', '--hard', 'HEAD~1')
    repository.commit({ 'index.html': 'rewritten' })
    expect((await checkOut(repository.url, { commitId: left })).id).toBe(left)
    expect(read('index.html')).toBe('left behind')
  })

  test('has its history, for generators that date pages', async () => {
    const repository = await repositoryWith({ a: '1' })
    repository.commit({ a: '2' })
    repository.git('tag', 'v1')
    await checkOut(repository.url)
    const described = Bun.spawnSync(['git', 'describe', '--tags'], { cwd: join(folder, 'site') })
    expect(described.stdout.toString().trim()).toBe('v1')
  })

  test('is refused where the server does not allow it', async () => {
    const repository = await repositoryWith({ a: '1' })
    await expect(
      checkOut(repository.url, { localRepositories: { ...anyRepository, allowed: false } }),
    ).rejects.toThrow(/PREAMP_FILE_REPOSITORIES/)
  })

  test('a repository in the data directory is refused, by whatever path, but for the examples', async () => {
    const repository = await repositoryWith({ 'index.html': 'one' }, 'site')
    const dataFolder = realpathSync(dirname(repository.folder))
    const hidden = { ...anyRepository, dataFolder, examplesFolder: '/nonexistent' }
    symlinkSync(repository.folder, join(folder, 'link'))
    for (const path of [repository.url, join(folder, 'link'), `${folder}/../${basename(folder)}/link`]) {
      await expect(checkOut(path, { localRepositories: hidden })).rejects.toThrow(
        /lies in the data directory/,
      )
    }
    await checkOut(repository.url, { localRepositories: { ...hidden, examplesFolder: dataFolder } })
    expect(read('index.html')).toBe('one')
  })

  test('that is not there, or has no such branch or commit, is named with the reason', async () => {
    const repository = await repositoryWith({ a: '1' })
    await expect(checkOut('/nowhere/at/all')).rejects.toThrow(
      /nowhere\/at\/all.*does not appear to be a git repository/,
    )
    await expect(checkOut(repository.url, { branch: 'none' })).rejects.toThrow(
      /branch none of .*Remote branch none not found/,
    )
    await expect(
      checkOut(repository.url, { commitId: '0123456789012345678901234567890123456789' }),
    ).rejects.toBeInstanceOf(CheckoutFailed)
  })

  test.each(['--upload-pack=x', '-b', 'a b', 'a..b', 'a\nb'])('branch %j is refused', async (branch) => {
    const repository = await repositoryWith({ a: '1' })
    await expect(checkOut(repository.url, { branch })).rejects.toThrow(/not the name of a Git branch/)
  })

  test('runs none of its hooks and filters', async () => {
    const trap = join(folder, 'trap')
    const repository = await repositoryWith({ a: '1', '.gitattributes': '* filter=evil' })
    repository.git('config', 'filter.evil.smudge', `touch ${trap}`)
    for (const hook of ['post-checkout', 'post-upload-pack', 'pre-receive']) {
      writeFileSync(join(repository.folder, '.git/hooks', hook), `#!/bin/sh\ntouch ${trap}\n`, {
        mode: 0o755,
      })
    }
    await checkOut(repository.url)
    expect(existsSync(trap)).toBe(false)
  })

  test('is not cloned as a submodule, however the parent names it', async () => {
    const secret = await repositoryWith({ secret: 'of another tenant' })
    const repository = await repositoryWith({ a: '1' })
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', secret.url, 'sub')
    repository.commit({})
    await expect(checkOut(repository.url)).rejects.toThrow(/submodule "sub" is a local repository/)
  })
})

describe('a repository behind http', () => {
  const server = createGitServer({ user: 'x-access-token', password: 'token-1234' })
  afterAll(() => server.stop())

  test('is cloned with a token that is left nowhere', async () => {
    const repository = await repositoryWith({ 'index.html': 'private' }, 'private')
    const url = server.serve(repository)
    await checkOut(url, { token: 'token-1234' })
    expect(read('index.html')).toBe('private')
    const left = everythingIn(join(folder, 'site')) + everythingIn(join(folder, 'scratch'))
    expect(left).not.toContain('token-1234')
    expect(left).not.toContain(Buffer.from('x-access-token:token-1234').toString('base64'))
  })

  test('tells that it wants a token', async () => {
    const url = server.serve(await repositoryWith({ a: '1' }))
    await expect(checkOut(url)).rejects.toThrow(/set an accessToken on the app/)
  })

  test('may have moved to another path of its host', async () => {
    const repository = await repositoryWith({ 'index.html': 'moved' })
    const url = server.serve(repository)
    await checkOut(url.replace('/repositories/', '/moved/'), { token: 'token-1234' })
    expect(read('index.html')).toBe('moved')
  })

  test('may not redirect to a metadata address', async () => {
    await expect(checkOut(`${server.url}/to-metadata`)).rejects.toThrow(/link-local, metadata/)
  })

  test('brings its submodules, and theirs', async () => {
    const inner = await repositoryWith({ 'inner.txt': 'inner' }, 'inner')
    const middle = await repositoryWith({ 'middle.txt': 'middle' }, 'middle')
    const outer = await repositoryWith({ 'outer.txt': 'outer' }, 'outer')
    const innerUrl = server.serve(inner)
    const middleUrl = server.serve(middle)
    addSubmodule(middle, inner, innerUrl, 'deep/inner')
    addSubmodule(outer, middle, middleUrl, 'middle')
    const commits: string[] = []
    await checkOut(server.serve(outer), {
      token: 'token-1234',
      onCommit: (commit) => void commits.push(commit.id),
    })
    expect(read('middle/deep/inner/inner.txt')).toBe('inner')
    expect(commits).toEqual([outer.git('rev-parse', 'HEAD')])
  })
})

describe('a forged tree', () => {
  const server = createGitServer({ user: 'x-access-token', password: 'token-1234' })
  afterAll(() => server.stop())

  test.each(['a link', 'another submodule'])(
    'that holds a name as %s and as the folder of a submodule writes nothing elsewhere',
    async (other) => {
      const victim = join(folder, 'victim')
      mkdirSync(join(victim, 'sub'), { recursive: true })
      const evil = await repositoryWith({ 'evil.txt': 'evil' }, 'evil')
      symlinkSync(victim, join(evil.folder, 'way'))
      evil.commit({})
      const url = server.serve(evil)
      const outer = await repositoryWith({}, 'outer')
      const commit = evil.git('rev-parse', 'HEAD')
      const link = Bun.spawnSync(['git', 'hash-object', '-w', '--stdin'], {
        cwd: outer.folder,
        stdin: Buffer.from(victim),
      }).stdout.toString()
      const path = other === 'a link' ? 'way/sub' : 'way/way/sub'
      const modules = [
        ['one', 'way'],
        ['two', path],
      ].map(([name, at]) => `[submodule "${name}"]\n\tpath = ${at}\n\turl = ${url}\n`)
      outer.commit({ '.gitmodules': modules.join('') })
      const spec = outer.git('rev-parse', 'HEAD:.gitmodules')
      const sub = treeOf(outer, [['160000', 'sub', commit]])
      const [first, second] =
        other === 'a link'
          ? ([
              ['40000', 'way', sub],
              ['120000', 'way', link.trim()],
            ] as const)
          : ([
              ['40000', 'way', treeOf(outer, [['40000', 'way', sub]])],
              ['160000', 'way', commit],
            ] as const)
      const tree = treeOf(outer, [['100644', '.gitmodules', spec], first, second])
      outer.git('update-ref', 'refs/heads/main', outer.git('commit-tree', '-m', 'Forge', tree))

      await expect(checkOut(server.serve(outer), { token: 'token-1234' })).rejects.toThrow(
        /submodule ".*sub" has no folder of its own/,
      )
      expect(readdirSync(join(victim, 'sub'))).toEqual([])
    },
  )
})

/** Writes a tree as it is told, also one that Git itself would never write. */
function treeOf(
  { folder: cwd }: TestRepository,
  entries: (readonly [mode: string, name: string, id: string])[],
): string {
  const bytes = entries.map(([mode, name, id]) =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]),
  )
  const command = ['git', 'hash-object', '-w', '-t', 'tree', '--literally', '--stdin']
  return Bun.spawnSync(command, { cwd, stdin: Buffer.concat(bytes) })
    .stdout.toString()
    .trim()
}

function addSubmodule(parent: TestRepository, child: TestRepository, url: string, path: string): void {
  parent.commit({ '.gitmodules': `[submodule "m"]\n\tpath = ${path}\n\turl = ${url}\n` })
  parent.git('update-index', '--add', '--cacheinfo', `160000,${child.git('rev-parse', 'HEAD')},${path}`)
  parent.git('commit', '--quiet', '--message', 'Add a submodule')
}

describe('a repository behind ssh', () => {
  const path = process.env['PATH']
  afterEach(() => {
    process.env['PATH'] = path
  })

  test.each([
    ['scp form', (place: string) => `git@127.0.0.1:${place}`, '127.0.0.1', []],
    ['URL', (place: string) => `ssh://git@127.0.0.1:2222${place}`, '[127.0.0.1]:2222', ['-p', '2222']],
  ])("is cloned by the operator's ssh (%s), to the checked address", async (_form, address, alias, port) => {
    const repository = await repositoryWith({ 'index.html': 'by ssh' })
    // In the place of ssh: it writes down what it was told, and serves the repository as the host would.
    const ssh = `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder}/arguments; cp "$2" ${folder}/config\nfor last; do :; done\neval "exec $last"\n`
    mkdirSync(join(folder, 'bin'))
    writeFileSync(join(folder, 'bin/ssh'), ssh, { mode: 0o755 })
    process.env['PATH'] = `${folder}/bin:${path}`
    await checkOut(address(repository.folder))
    expect(read('index.html')).toBe('by ssh')
    const given = readFileSync(join(folder, 'arguments'), 'utf8').split('\n')
    expect(given).toEqual(expect.arrayContaining(['-F', 'git@127.0.0.1', ...port]))
    const config = readFileSync(join(folder, 'config'), 'utf8')
    expect(config).toContain(`Host 127.0.0.1\nHostName 127.0.0.1\nHostKeyAlias ${alias}\n`)
    expect(config).toContain('BatchMode yes')
  })
})

test('private addresses are refused where they are not allowed', async () => {
  await expect(checkOut('http://127.0.0.1:9/x.git', { privateAllowed: false })).rejects.toThrow(
    /private address/,
  )
  await expect(checkOut('git@127.0.0.1:x.git', { privateAllowed: false })).rejects.toThrow(/private address/)
  await expect(checkOut('http://169.254.169.254/x.git')).rejects.toThrow(/never contacted/)
})

test('a checkout that is stopped ends with its reason', async () => {
  const silent = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => new Promise<Response>(() => undefined),
  })
  const controller = new AbortController()
  const running = checkOut(`http://127.0.0.1:${silent.port}/x.git`, { signal: controller.signal })
  const reason = new Error('stopped')
  setTimeout(() => controller.abort(reason), 50)
  await expect(running).rejects.toBe(reason)
  await silent.stop(true)
})
