import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createDataDirectory, readMasterKey } from './data-directory.ts'
import { UsageError } from './usage-error.ts'

let root: string

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'preamp-data-directory-')))
})
afterEach(() => rmSync(root, { recursive: true }))

test('a data directory is its owner’s alone', () => {
  mkdirSync(join(root, 'data'), { mode: 0o755 })
  const directory = createDataDirectory(join(root, 'data'))
  for (const folder of [directory.path, directory.blobs, directory.work]) {
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  }
})

test('one that is named by a link is known by where it lies, so that it can be hidden from builds', () => {
  mkdirSync(join(root, 'data'))
  symlinkSync(join(root, 'data'), join(root, 'link'))
  const directory = createDataDirectory(join(root, 'link'))
  expect(directory.path).toBe(join(root, 'data'))
  expect(directory.work).toBe(join(root, 'data/work'))
})

test('one that cannot be made is refused by name, with the reason', () => {
  writeFileSync(join(root, 'file'), '')
  expect(() => createDataDirectory(join(root, 'file/data'))).toThrow(
    new UsageError(
      `The data directory ${root}/file/data cannot be made or used by this user: ENOTDIR: not a directory, mkdir '${root}/file/data'. Choose another with PREAMP_DATA_DIR.`,
    ),
  )
})

test('a master key file that cannot be made is refused by name, with the reason', () => {
  expect(() => readMasterKey(join(root, 'absent/master.key'))).toThrow(UsageError)
  expect(() => readMasterKey(join(root, 'absent/master.key'))).toThrow(/cannot be made: ENOENT/)
})
