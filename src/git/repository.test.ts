import { describe, expect, test } from 'bun:test'

import {
  parseRepository,
  repositoryName,
  RepositoryRefused,
  shownRepository,
  submoduleRepository,
} from './repository.ts'

describe('parseRepository', () => {
  test.each([
    ['https://github.com/org/repo', 'http', 'https://github.com/org/repo', 'repo'],
    ['https://user:token@git.example.com:8443/a/b.git', 'http', 'https://git.example.com:8443/a/b.git', 'b'],
    ['http://localhost:3000/x.git/', 'http', 'http://localhost:3000/x.git/', 'x'],
    ['git@github.com:org/repo.git', 'ssh', 'git@github.com:org/repo.git', 'repo'],
    ['ssh://git@example.com:2222/org/repo', 'ssh', 'ssh://git@example.com:2222/org/repo', 'repo'],
    ['/srv/git/site.git', 'file', 'file:///srv/git/site.git', 'site'],
    ['file:///srv/git/my%20site', 'file', 'file:///srv/git/my site', 'my-site'],
  ])('%s', (text, kind, shown, name) => {
    const repository = parseRepository(text)
    expect(repository.kind).toBe(kind as typeof repository.kind)
    expect(shownRepository(repository)).toBe(shown)
    expect(repositoryName(repository)).toBe(name)
  })

  test.each([
    '',
    '-oProxyCommand=touch /tmp/x',
    '--upload-pack=touch /tmp/x',
    'ext::sh -c touch% /tmp/x',
    'git://example.com/repo',
    'ftp://example.com/repo',
    'ssh://-oProxyCommand=x/repo',
    'ssh://git@host/-x',
    '-x@host:path',
    'git@-host:path',
    'git@host:-path',
    'relative/path',
    './repo',
    'file://otherhost/srv/git',
    'https://example.com/a\nb',
    'https://example.com/a b',
  ])('refuses %j', (text) => {
    expect(() => parseRepository(text)).toThrow(RepositoryRefused)
  })

  test('does not repeat credentials when it refuses', () => {
    expect(() => parseRepository('ftp://user:hunter22@example.com/x')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter22') }),
    )
  })

  test.each([
    ['https://h/a/..', 'repository'],
    ['/srv/.git', 'repository'],
    ['git@host:repo', 'repo'],
  ])('names the folder of %s so that it stays one', (text, name) => {
    expect(repositoryName(parseRepository(text))).toBe(name)
  })
})

test.each([
  ['https://h/org/site.git', '../lib.git', 'https://h/org/lib.git'],
  ['https://h/org/site', './sub', 'https://h/org/site/sub'],
  ['https://h/org/site', '../../other/lib', 'https://h/other/lib'],
  ['git@h:org/site.git', '../lib.git', 'git@h:org/lib.git'],
  ['git@h:site.git', '../lib.git', 'git@h:lib.git'],
  ['https://h/org/site', 'ssh://git@other/x', 'ssh://git@other:22/x'],
])('a submodule of %s at %s lies at %s', (parent, url, shown) => {
  expect(shownRepository(submoduleRepository(parseRepository(parent), url))).toBe(shown)
})
