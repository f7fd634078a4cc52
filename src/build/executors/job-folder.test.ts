import { afterEach, beforeEach, expect, test } from 'bun:test'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { homeName, pathInside, prepareJobFolder } from './job-folder.ts'

const isRoot = process.getuid!() === 0
const user = { uid: 64_700, gid: 64_700 }
let root: string
let work: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'preamp-job-folder-'))
  work = join(root, 'job')
  mkdirSync(join(work, 'site'), { recursive: true })
  writeFileSync(join(work, 'site/index.html'), 'hi')
  writeFileSync(join(root, 'secret'), 'x')
})
afterEach(() => rmSync(root, { recursive: true }))

test.if(isRoot)(
  'hands all that is in the folder to the build’s user, and follows no link out of it',
  async () => {
    symlinkSync(join(root, 'secret'), join(work, 'site/link'))
    symlinkSync(root, join(work, 'site/folder-link'))
    const folder = await prepareJobFolder({ workFolder: work }, user)
    for (const path of ['.', 'site', 'site/index.html', 'site/link', homeName]) {
      expect(lstatSync(join(work, path)).uid).toBe(user.uid)
    }
    expect(statSync(folder.temporary).uid).toBe(user.uid)
    expect(statSync(work).mode & 0o777).toBe(0o700)
    expect(statSync(join(root, 'secret')).uid).toBe(0)
    expect(statSync(root).uid).toBe(0)
  },
)

test.if(isRoot)(
  'hands over nothing at a later session, when the job may have linked files of others there',
  async () => {
    await prepareJobFolder({ workFolder: work }, user)
    writeFileSync(join(work, 'site/of-root'), '')
    await prepareJobFolder({ workFolder: work }, user)
    expect(statSync(join(work, 'site/of-root')).uid).toBe(0)
  },
)

test('follows no link that a former session left where the home folder was', async () => {
  await prepareJobFolder({ workFolder: work }, undefined)
  rmSync(join(work, homeName), { recursive: true })
  symlinkSync(join(root, 'elsewhere'), join(work, homeName))
  const folder = await prepareJobFolder({ workFolder: work }, undefined)
  expect(readdirSync(root).toSorted()).toEqual(['job', 'secret'])
  expect(lstatSync(folder.temporary).isDirectory()).toBeTrue()
})

test('a start folder lies below the work folder', () => {
  expect(pathInside('/w', '/w')).toBe('')
  expect(pathInside('/w', '/w/a/b')).toBe('a/b')
  expect(pathInside('/w', 'a')).toBe('a')
  expect(pathInside('/w', '..a')).toBe('..a')
  for (const outside of ['/', '/wa', '../x', '/w/..'])
    expect(() => pathInside('/w', outside)).toThrow('not below')
})
