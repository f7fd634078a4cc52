import { afterEach, beforeEach, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { findTools } from './tools.ts'

let root: string

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'preamp-tools-')))
})
afterEach(() => rmSync(root, { recursive: true }))

function folder(path: string): string {
  mkdirSync(join(root, path), { recursive: true })
  return join(root, path)
}

test('shows the installation that node belongs to, also behind a shim', async () => {
  const installation = folder('versions/20')
  folder('versions/20/lib/node_modules')
  const shims = folder('shims')
  writeFileSync(join(shims, 'node'), `#!/bin/sh\necho ${installation}/bin/node\n`)
  chmodSync(join(shims, 'node'), 0o755)
  folder('versions/20/bin')
  const tools = await findTools({ PATH: shims }, folder('data'))
  expect(tools.folders).toEqual([installation, shims])
  expect(tools.path).toStartWith(`${installation}/bin:${shims}:`)
})

test('shows no home folder, no data directory, nothing above it, and no npm package’s programs', async () => {
  const data = folder('srv/data')
  const refused = [
    folder('app/node_modules/.bin'),
    join(root, 'srv'),
    data,
    folder('srv/data/bin'),
    '/root',
    '/',
    'bin',
    join(root, 'none'),
  ]
  const good = folder('tools/bin')
  const tools = await findTools({ PATH: [...refused, good].join(':') }, data)
  expect(tools.folders).toEqual([good])
  for (const path of refused) expect(tools.path.split(':')).not.toContain(path)
  expect(tools.path.split(':')[0]).toBe(good)
})
