import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chmod, link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { memoryBlobs } from '../../test/support/memory-blobs.ts'
import { collectFolder } from './collect-folder.ts'
import { RefusedContent } from './refused-content.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'preamp-folder-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** Writes files by path below the root; their text is their path. */
async function write(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), path)
  }
}

async function collect(
  options: Partial<Parameters<typeof collectFolder>[0]> = {},
): Promise<Record<string, string>> {
  const blobs = memoryBlobs()
  const defaults = { blobs, root, baseDirectory: 'dist', files: ['**/*'], discardPaths: false }
  const { files } = await collectFolder({ ...defaults, ...options })
  return Object.fromEntries(
    Object.entries(files).map(([path, { sha }]) => [path, new TextDecoder().decode(blobs.stored.get(sha))]),
  )
}

async function refusal(options: Partial<Parameters<typeof collectFolder>[0]> = {}): Promise<string> {
  const error = await collect(options).catch((thrown: unknown) => thrown)
  if (!(error instanceof RefusedContent)) throw new Error('The folder was not refused', { cause: error })
  return error.message
}

/** Root may read anything, so a test run as root becomes nobody for a moment. */
async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

describe('collectFolder', () => {
  test('takes all files, those that begin with a dot too', async () => {
    await write('dist/index.html', 'dist/.env', 'dist/.well-known/x', 'dist/a/b/c.css', 'other.txt')
    expect(await collect()).toEqual({
      '.env': 'dist/.env',
      '.well-known/x': 'dist/.well-known/x',
      'a/b/c.css': 'dist/a/b/c.css',
      'index.html': 'dist/index.html',
    })
  })

  test.each(['', '.', '/', './'])(
    'takes the root as %j, without .git at any depth',
    async (baseDirectory) => {
      await write('index.html', '.git/config', 'module/.git', 'module/page.html', '.gitignore')
      expect(Object.keys(await collect({ baseDirectory }))).toEqual([
        '.gitignore',
        'index.html',
        'module/page.html',
      ])
    },
  )

  test.each(['/dist', './dist/', 'dist/../dist'])('finds the base directory %s', async (baseDirectory) => {
    await write('dist/index.html')
    expect(Object.keys(await collect({ baseDirectory }))).toEqual(['index.html'])
  })

  test.each([
    [['**/*.html'], ['a/b.html', 'index.html']],
    [['*.html'], ['index.html']],
    [
      ['./index.html', '/a/**'],
      ['a/.c/d.js', 'a/b.html', 'index.html'],
    ],
    [['**/*.{js,css}'], ['a/.c/d.js', 's.css']],
    [['!x', 's.css'], ['s.css']],
    [['**/*', '!**/*.css', '!a/**'], ['index.html']],
  ])('selects by %j', async (files, selected) => {
    await write('dist/index.html', 'dist/a/b.html', 'dist/a/.c/d.js', 'dist/s.css')
    expect(Object.keys(await collect({ files }))).toEqual(selected)
  })

  test('flattens with discard-paths; the later of two stays', async () => {
    await write('dist/a/x.txt', 'dist/b/x.txt', 'dist/y.txt')
    expect(await collect({ discardPaths: true })).toEqual({ 'x.txt': 'dist/b/x.txt', 'y.txt': 'dist/y.txt' })
  })

  test('publishes links within the folder as what they lead to', async () => {
    await write('dist/v2/index.html', 'dist/real.txt')
    await symlink('v2', join(root, 'dist/latest'))
    await symlink('../real.txt', join(root, 'dist/v2/link.txt'))
    expect(await collect()).toEqual({
      'latest/index.html': 'dist/v2/index.html',
      'latest/link.txt': 'dist/real.txt',
      'real.txt': 'dist/real.txt',
      'v2/index.html': 'dist/v2/index.html',
      'v2/link.txt': 'dist/real.txt',
    })
  })

  test('takes hard links, and a base directory that is a link within the build', async () => {
    await write('build/out/a.txt')
    await link(join(root, 'build/out/a.txt'), join(root, 'build/out/b.txt'))
    await symlink('build/out', join(root, 'dist'))
    expect(Object.keys(await collect())).toEqual(['a.txt', 'b.txt'])
  })

  test('does not mind what is not selected', async () => {
    await write('index.html', 'public/a.txt')
    await symlink('/etc', join(root, 'out'))
    await symlink('nowhere', join(root, 'dangling'))
    expect(Object.keys(await collect({ baseDirectory: '/', files: ['public/**'] }))).toEqual(['public/a.txt'])
  })

  test('names that objects have of their own are names like any other', async () => {
    await write('dist/__proto__', 'dist/constructor', 'dist/toString/x')
    const options = {
      blobs: memoryBlobs(),
      root,
      baseDirectory: 'dist',
      files: ['**/*'],
      discardPaths: false,
    }
    const { files } = await collectFolder(options)
    expect(Object.keys(files)).toEqual(['__proto__', 'constructor', 'toString/x'])
  })
})

describe('collectFolder refuses', () => {
  test('a missing folder, in the words of Amplify', async () => {
    expect(await refusal()).toBe("Artifact directory doesn't exist: dist")
    await write('dist')
    expect(await refusal()).toBe('Artifact directory is not a directory: dist')
    expect(await refusal({ baseDirectory: 'dist/deeper' })).toBe(
      "Artifact directory doesn't exist: dist/deeper",
    )
  })

  test('a folder without a selected file', async () => {
    await mkdir(join(root, 'dist'))
    expect(await refusal()).toBe(
      'No files to publish in the artifact directory: dist. It is empty, or artifacts.files selects nothing in it',
    )
  })

  test.each(['..', '../..', 'dist/../..', '/../etc'])('the base directory %s', async (baseDirectory) => {
    expect(await refusal({ baseDirectory })).toMatch(/lies outside of the build|doesn't exist/)
  })

  test('a base directory that is a link out of the build', async () => {
    await symlink('/etc', join(root, 'dist'))
    expect(await refusal()).toBe('Artifact directory lies outside of the build: dist')
  })

  test.each([
    ['a file outside', '/etc/passwd', /"link" leads out/],
    ['a folder outside', '/etc', /"link" leads out/],
    ['the folder above', '..', /"link" leads out/],
    ['a sibling whose name begins like ours', '../dist-secret/key', /"link" leads out/],
    ['/proc', '/proc/self/environ', /"link" leads out/],
    ['nothing', 'nowhere', /"link" leads nowhere/],
    ['itself', 'link', /"link" leads to itself/],
    ['its own folder', '.', /"link" leads back/],
    ['.git', '.git/config', /into \.git/],
  ])('a link to %s', async (_what, target, reason) => {
    await write('dist/index.html', 'dist-secret/key', 'dist/.git/config')
    await symlink(target, join(root, 'dist/link'))
    expect(await refusal()).toMatch(reason)
  })

  test('a link by way of a link that leads out', async () => {
    await write('dist/index.html')
    await symlink('/etc', join(root, 'hop'))
    await symlink('../hop/passwd', join(root, 'dist/link'))
    expect(await refusal()).toMatch(/"link" leads out/)
  })

  test('links that lead to each other without an end', async () => {
    await write('dist/a/x', 'dist/b/x')
    await symlink('../b', join(root, 'dist/a/l'))
    await symlink('../a', join(root, 'dist/b/l'))
    expect(await refusal()).toMatch(/leads back/)
  })

  test('pipes and sockets, without waiting for them', async () => {
    await write('dist/index.html')
    Bun.spawnSync(['mkfifo', join(root, 'dist/pipe')])
    expect(await refusal()).toBe('"pipe" is a pipe, socket or device, which cannot be published')
    await rm(join(root, 'dist/pipe'))
    using socket = Bun.listen({ unix: join(root, 'dist/sock'), socket: { data: () => undefined } })
    expect(await refusal()).toBe('"sock" is a pipe, socket or device, which cannot be published')
    socket.stop()
  })

  test.each([
    ['a control character', Buffer.from('a\nb'), /control character/],
    ['a backslash', Buffer.from('a\\b'), /backslash/],
    ['bytes that are not UTF-8', Buffer.from([0x61, 0xff]), /not valid UTF-8/],
  ])('a name with %s', async (_what, name, reason) => {
    await mkdir(join(root, 'dist'))
    await writeFile(Buffer.concat([Buffer.from(join(root, 'dist/')), name]), 'x')
    expect(await refusal()).toMatch(reason)
  })

  test('names in two Unicode forms, and takes one in either', async () => {
    await write('dist/e\u0301')
    expect(Object.keys(await collect())).toEqual(['é'])
    await write('dist/é')
    expect(await refusal()).toMatch(/different Unicode forms/)
  })

  test('a path longer than a URL may name', async () => {
    await write(`dist/${'long-folder-name/'.repeat(61)}x`)
    expect(await refusal()).toMatch(/longer than 1024 bytes/)
  })

  test('too many globs', async () => {
    await write('dist/index.html')
    expect(await refusal({ files: Array<string>(101).fill('*') })).toMatch(/more than 100 patterns/)
  })

  test('files and folders that cannot be read', async () => {
    await write('dist/index.html', 'dist/private/x')
    await chmod(root, 0o755)
    await chmod(join(root, 'dist/index.html'), 0)
    expect(await unprivileged(refusal)).toMatch(/"index.html" cannot be read/)
    await chmod(join(root, 'dist/index.html'), 0o644)
    await chmod(join(root, 'dist/private'), 0)
    expect(await unprivileged(refusal)).toMatch(/"private\/" cannot be read/)
    await chmod(join(root, 'dist/private'), 0o755)
  })

  test('to go on when it is stopped', async () => {
    await write('dist/index.html')
    const stopped = new Error('stopped')
    await expect(collect({ signal: AbortSignal.abort(stopped) })).rejects.toBe(stopped)
  })
})
