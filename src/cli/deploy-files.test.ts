import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { limits } from '../model/limits.ts'
import { UsageError } from '../usage-error.ts'
import { hashFile, listFiles } from './deploy-files.ts'
import { fitsFileMap } from './deploy-upload.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-files-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
}

describe('listFiles', () => {
  test('lists files by name, dotfiles too, without what belongs to Git, Preamp and file managers', () => {
    for (const path of [
      'b.txt',
      'a/c.txt',
      '.well-known/x',
      '.git/config',
      '.preamp/credentials',
      'a/.DS_Store',
    ]) {
      write(join('site', path), path)
    }
    expect(listFiles(join(folder, 'site')).map(({ name }) => name)).toEqual([
      '.well-known/x',
      'a/c.txt',
      'b.txt',
    ])
  })

  test('refuses a link, naming it', () => {
    write('linked/a.txt', 'a')
    symlinkSync('/etc/passwd', join(folder, 'linked/b.txt'))
    expect(() => listFiles(join(folder, 'linked'))).toThrow(/linked\/b\.txt is neither a file nor a folder/)
  })

  test('refuses what is no folder, and an empty one', () => {
    expect(() => listFiles(join(folder, 'nowhere'))).toThrow(UsageError)
    mkdirSync(join(folder, 'empty'))
    expect(() => listFiles(join(folder, 'empty'))).toThrow(/holds no files/)
  })
})

test('hashFile gives both hashes', async () => {
  write('hello.txt', 'hello')
  expect(await hashFile(join(folder, 'hello.txt'))).toEqual({
    md5: '5d41402abc4b2a76b9719d911017c592',
    sha: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
  })
})

const manyFiles = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_file, at) => [`f${at}`, 'a'.repeat(32)]))

test.each([
  ['a few files', { 'index.html': 'a'.repeat(32) }, true],
  ['a name longer than AWS allows', { ['x'.repeat(256)]: 'a'.repeat(32) }, false],
  ['as many files as it may have', manyFiles(limits.fileMapFilesMax), true],
  ['more files than that', manyFiles(limits.fileMapFilesMax + 1), false],
  [
    'more than a request may hold',
    Object.fromEntries(Array.from({ length: 8000 }, (_, i) => [`${i}${'f'.repeat(200)}`, 'a'.repeat(32)])),
    false,
  ],
])('%s fits into a fileMap: %#', (_what, fileMap, expected) => {
  expect(fitsFileMap(fileMap)).toBe(expected)
})
