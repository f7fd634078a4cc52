import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { siteUrl } from './site-url.ts'

let dataDir: string
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'preamp-site-url-'))
  const server = { pid: 1, apiUrl: 'http://127.0.0.1:9', sitesUrl: 'https://localhost:4743' }
  writeFileSync(join(dataDir, 'server.json'), JSON.stringify(server))
})
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

test.each([
  ['d1.localhost:4780', undefined, 'http://main.d1.localhost:4780'],
  ['d1.localhost:4743', undefined, 'https://main.d1.localhost:4743'],
  ['d1.localhost:4743', 'http://localhost:4743', 'http://main.d1.localhost:4743'],
  ['d1.sites.example.com', undefined, 'https://main.d1.sites.example.com'],
  ['d1.sites.example.com', 'http://sites.example.com', 'http://main.d1.sites.example.com'],
])('the site of %s with %p is at %s', (defaultDomain, sitesUrl, expected) => {
  expect(siteUrl({ defaultDomain }, { displayName: 'main' }, { sitesUrl, dataDir })).toBe(expected)
})
