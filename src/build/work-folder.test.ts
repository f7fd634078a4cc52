import { afterEach, beforeEach, expect, test } from 'bun:test'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { removeWorkFolder } from './work-folder.ts'

let root: string
let folder: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'preamp-work-folder-'))
  folder = join(root, 'job')
  mkdirSync(folder)
})
afterEach(() => Bun.spawnSync(['rm', '-rf', '--', root]))

test('a folder nested deeper than any path can name is removed', async () => {
  // From the inside out, as the whole path could not be named on the way in either.
  const [inner, outer] = [join(folder, 'inner'), join(folder, 'outer')]
  mkdirSync(inner)
  for (let depth = 0; depth < 5000; depth++) {
    mkdirSync(outer)
    renameSync(inner, join(outer, 'deep'.repeat(60)))
    renameSync(outer, inner)
  }
  await removeWorkFolder(folder)
  expect(existsSync(folder)).toBe(false)
})

test('a folder that its build closed is removed, and what its links lead to is left', async () => {
  const kept = join(root, 'kept')
  mkdirSync(kept)
  writeFileSync(join(kept, 'file'), 'of another')
  const closed = join(folder, 'a/b')
  mkdirSync(closed, { recursive: true })
  symlinkSync(kept, join(closed, 'link'))
  chmodSync(closed, 0)
  chmodSync(join(folder, 'a'), 0)
  await removeWorkFolder(folder)
  expect(existsSync(folder)).toBe(false)
  expect(existsSync(join(kept, 'file'))).toBe(true)
})

test('a folder that is gone already is no failure', async () => {
  rmSync(folder, { recursive: true })
  await removeWorkFolder(folder)
})
