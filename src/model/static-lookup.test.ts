import { expect, test } from 'bun:test'

import vectorFile from '../../test/fixtures/contract/redirect-vectors.json' with { type: 'json' }
import { lookUpStatic } from './static-lookup.ts'

// Those with rules belong to the rules.
const vectors = vectorFile.vectors.filter((vector) => vector.rules.length === 0)

test('there are contract vectors without rules', () => expect(vectors.length).toBeGreaterThan(10))

test.each(vectors.map((vector) => [`${vector.id} ${vector.name}`, vector] as const))(
  '%s',
  (_name, vector) => {
    const { path, query } = vector.request
    const files = new Set(vector.files.map((file) => file.slice(1)))
    expect(lookUpStatic(files, path, query && `?${query}`)).toEqual(expected(vector.expect))
  },
)

function expected(expectation: (typeof vectors)[number]['expect']): ReturnType<typeof lookUpStatic> {
  if (expectation.kind === 'file') return { kind: 'file', path: expectation.file!.slice(1) }
  if (expectation.kind === 'redirect') return { kind: 'redirect', location: expectation.location! }
  expect(expectation.kind).toBe('not_found')
  return { kind: 'not-found' }
}

const files = new Set([
  'index.html',
  'about.html',
  'docs/index.html',
  'é.html',
  'a b.txt',
  '100%.txt',
  '__proto__',
])

test.each([
  ['/', 'index.html'],
  ['/about', 'about.html'],
  ['/%61bout', 'about.html'],
  ['/docs/', 'docs/index.html'],
  ['/%C3%A9', 'é.html'],
  ['/e%CC%81', 'é.html'],
  ['/a%20b.txt', 'a b.txt'],
  ['/100%25.txt', '100%.txt'],
  ['/__proto__', '__proto__'],
])('%s is the file %s', (path, file) => {
  expect(lookUpStatic(files, path, '?x=1')).toEqual({ kind: 'file', path: file })
})

test.each([
  ['/docs', '/docs/?x=1'],
  ['//evil.example/x', '/evil.example/x/?x=1'],
  ['/%2F%2Fevil/x', '/evil/x/?x=1'],
  ['/%5Cevil/x', '/%5Cevil/x/?x=1'],
  ['/a//b', '/a//b/?x=1'],
  ['/%0d%0aset-cookie:x', '/%0D%0Aset-cookie:x/?x=1'],
  ['/what%3Fthen%23', '/what%3Fthen%23/?x=1'],
  ['/gr%C3%BCn', '/gr%C3%BCn/?x=1'],
])('%s redirects to %s', (path, location) => {
  expect(lookUpStatic(files, path, '?x=1')).toEqual({ kind: 'redirect', location })
})

test.each([
  '/../index.html',
  '/%2e%2e%2findex.html',
  '/..%2fsecret',
  '/docs/../../x',
  '/x/%2e',
  '/About.html',
  '//index.html',
  '/docs//index.html',
  '/docs//',
  '/missing.png',
  '/constructor.x',
])('%s is not found', (path) => {
  expect(lookUpStatic(files, path, '')).toEqual({ kind: 'not-found' })
})

test.each(['/%', '/%zz', '/%ff', '/%c3'])('%s is malformed', (path) => {
  expect(lookUpStatic(files, path, '')).toEqual({ kind: 'malformed-path' })
})
