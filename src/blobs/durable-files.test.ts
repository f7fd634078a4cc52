import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { makeDurable } from './durable-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'preamp-durable-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function someFiles(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const path = join(folder, `file-${index}`)
    writeFileSync(path, 'text')
    return path
  })
}

// That the bytes are on the disk cannot be seen from here; that a file could not be synced can.
describe.each<[string, string | undefined]>([
  ['with sync(1)', process.env['PATH']],
  ['where there is no sync(1)', folder],
])('makeDurable %s', (_where, path) => {
  async function withPath<T>(work: () => Promise<T>): Promise<T> {
    const before = process.env['PATH']
    process.env['PATH'] = path
    try {
      return await work()
    } finally {
      process.env['PATH'] = before
    }
  }

  test.each([0, 1, 40])('takes %i files and folders', async (count) => {
    await withPath(() => makeDurable([...someFiles(count), folder]))
  })

  test.each([1, 40])('throws when the first of %i is not there', async (count) => {
    const paths = [join(folder, 'nowhere'), ...someFiles(count - 1)]
    await expect(withPath(() => makeDurable(paths))).rejects.toThrow('ENOENT')
  })
})
