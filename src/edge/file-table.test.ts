import { expect, test } from 'bun:test'

import { FileTable } from './file-table.ts'

const sha = (number: number): string => new Bun.CryptoHasher('sha256').update(String(number)).digest('hex')

test('finds every file by its path, and nothing else', () => {
  const paths = [
    ...Array.from({ length: 5000 }, (_, number) => `assets/${number % 7}/file-${number}.js`),
    '__proto__',
    'constructor',
    'grüße/🌍.html',
    'a',
  ]
  const files = Object.create(null) as Record<string, { sha: string; size: number }>
  for (const [number, path] of paths.entries()) files[path] = { sha: sha(number), size: number * 2 ** 24 }
  const table = new FileTable(files)
  expect(table.size).toBe(paths.length)
  for (const [number, path] of paths.entries()) {
    expect(table.get(path)).toEqual({ sha: sha(number), size: number * 2 ** 24 })
  }
  for (const path of ['', 'b', 'assets', 'assets/1/file-1.jsx', 'toString', 'grüße']) {
    expect([path, table.has(path), table.get(path)]).toEqual([path, false, undefined])
  }
})

test('holds a deployment without files', () => {
  const table = new FileTable({})
  expect([table.size, table.has('index.html')]).toEqual([0, false])
})
