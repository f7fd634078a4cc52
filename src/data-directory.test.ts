import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { UsageError } from './config.ts'
import {
  createDataDirectory,
  lockBlobDeletion,
  lockDataDirectory,
  readMasterKey,
  writePrivateFile,
} from './data-directory.ts'

const holderScript = join(import.meta.dir, '../test/support/lock-holder.ts')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-data-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const modeOf = (path: string) => statSync(path).mode & 0o777

test('is made for its owner alone, also where the folder was open before', () => {
  const path = join(folder, 'a', 'b')
  const directory = createDataDirectory(path)
  chmodSync(path, 0o777)
  createDataDirectory(path)
  for (const each of [directory.path, directory.blobs, directory.work]) expect(modeOf(each)).toBe(0o700)
})

async function startHolder() {
  const holder = Bun.spawn([process.execPath, holderScript, folder], { stdout: 'pipe', stderr: 'inherit' })
  const { value } = await holder.stdout.getReader().read()
  expect(new TextDecoder().decode(value)).toBe('locked\n')
  return holder
}

describe('the lock', () => {
  test('is held by one process, and is free as soon as that is killed', async () => {
    const holder = await startHolder()
    try {
      expect(() => lockDataDirectory(folder)).toThrow(UsageError)
      expect(() => lockDataDirectory(folder)).toThrow(folder)
    } finally {
      holder.kill('SIGKILL')
      await holder.exited
    }
    lockDataDirectory(folder)()
  })

  test('is held within a process too, and can be given back', () => {
    const release = lockDataDirectory(folder)
    expect(() => lockDataDirectory(folder)).toThrow(UsageError)
    release()
    lockDataDirectory(folder)()
  })

  test('is held although nobody keeps what gives it back', () => {
    lockDataDirectory(folder)
    Bun.gc(true)
    Bun.gc(true)
    expect(() => lockDataDirectory(folder)).toThrow(UsageError)
  })

  test('outlives attempts that were refused', async () => {
    const release = lockDataDirectory(folder)
    for (let attempt = 0; attempt < 3; attempt++) expect(() => lockDataDirectory(folder)).toThrow(UsageError)
    const other = Bun.spawn([process.execPath, holderScript, folder], { stdout: 'ignore', stderr: 'ignore' })
    expect(await other.exited).not.toBe(0)
    release()
  })
})

test('blobs are deleted, or kept from it, by one at a time', () => {
  const release = lockBlobDeletion(folder, 0)!
  expect(lockBlobDeletion(folder, 0)).toBeUndefined()
  // It is another lock than the server's own.
  lockDataDirectory(folder)()
  release()
  lockBlobDeletion(folder, 0)!()
})

describe('the master key', () => {
  test('is made once, for its owner alone, and read again', () => {
    const file = join(folder, 'master.key')
    const key = readMasterKey(file)
    expect(key.byteLength).toBe(32)
    expect(modeOf(file)).toBe(0o600)
    expect(readMasterKey(file)).toEqual(key)
    expect(readFileSync(file, 'utf8')).toBe(`${key.toString('hex')}\n`)
    expect(readdirSync(folder)).toEqual(['master.key'])
  })

  test('is one key, however many make it at once', async () => {
    const script = `import { readMasterKey } from ${JSON.stringify(join(import.meta.dir, 'data-directory.ts'))}
      process.stdout.write(readMasterKey(${JSON.stringify(join(folder, 'master.key'))}).toString('hex'))`
    const children = Array.from({ length: 4 }, () =>
      Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' }),
    )
    const keys = await Promise.all(children.map((child) => new Response(child.stdout).text()))
    expect(new Set(keys)).toEqual(new Set([readMasterKey(join(folder, 'master.key')).toString('hex')]))
    expect(readdirSync(folder)).toEqual(['master.key'])
  })

  test.each([0o644, 0o604, 0o620, 0o602, 0o666])('is refused in a file of mode %o', (mode) => {
    const file = join(folder, 'master.key')
    readMasterKey(file)
    chmodSync(file, mode)
    expect(() => readMasterKey(file)).toThrow(UsageError)
    expect(() => readMasterKey(file)).toThrow(`chmod 600 '${file}'`)
  })

  test.each([0o600, 0o400, 0o440, 0o640])('is taken from a file of mode %o', (mode) => {
    const file = join(folder, 'master.key')
    const key = readMasterKey(file)
    chmodSync(file, mode)
    expect(readMasterKey(file)).toEqual(key)
  })

  test.each(['', 'secret\n', 'a'.repeat(63), 'g'.repeat(64), `${'a'.repeat(64)}\n${'a'.repeat(64)}`])(
    'is not made of %j',
    (text) => {
      const file = join(folder, 'master.key')
      writeFileSync(file, text, { mode: 0o600 })
      expect(() => readMasterKey(file)).toThrow('64 hexadecimal digits')
      expect(readFileSync(file, 'utf8')).toBe(text)
    },
  )
})

test('a private file is replaced whole, whatever the mode of the one before', () => {
  const file = join(folder, 'credentials')
  writeFileSync(file, 'before', { mode: 0o644 })
  writePrivateFile(file, 'after')
  expect(readFileSync(file, 'utf8')).toBe('after')
  expect(modeOf(file)).toBe(0o600)
  expect(() => writePrivateFile(join(folder, 'nowhere', 'file'), 'text')).toThrow('ENOENT')
  expect(existsSync(join(folder, 'nowhere'))).toBe(false)
  expect(readdirSync(folder)).toEqual(['credentials'])
})
