import { describe, expect, test } from 'bun:test'

import { RefusedContent } from '../deploy/refused-content.ts'
import { BuildFailed } from './build-failed.ts'
import { type BuildPhase, parseBuildSpec } from './build-spec.ts'

const artifacts = '  artifacts:\n    baseDirectory: dist\n    files: ["**/*"]\n'

function logOf(source: string): string {
  try {
    parseBuildSpec(source)
  } catch (error) {
    if (error instanceof RefusedContent) return `!!! CustomerError: ${error.message}`
    if (error instanceof BuildFailed) return error.logLines.map((line) => `!!! ${line}`).join('\n')
    throw error
  }
  return 'accepted'
}

test('says of a spec without artifacts which key may be mistyped', () => {
  expect(logOf('version: 1\nfronted:\n  artifacts: { baseDirectory: dist }\n')).toBe(
    '!!! The key "fronted" means nothing: is it mistyped?\n!!! CustomerError: Artifacts base directory not found in build output, please check your buildSpec',
  )
})

const phases = (...names: BuildPhase['name'][]): BuildPhase[] => names.map((name) => ({ name, commands: [] }))

test('reads a whole spec', () => {
  const spec = parseBuildSpec(`version: 1
env:
  variables:
    NODE_VERSION: 20.10
    EMPTY:
    FLAG: yes
backend:
  phases: { build: { commands: [amplifyPush] } }
test:
  phases: { test: { commands: npx cypress run } }
  artifacts: { baseDirectory: cypress, configFilePath: '**/mochawesome.json', files: ['**/*.png'] }
customHeaders:
  - { pattern: '**/*', headers: [{ key: X-Frame-Options, value: DENY }] }
frontend:
  cache: { paths: [node_modules/**/*, '!node_modules/.cache/**/*'] }
  phases:
    preBuild:
      commands:
        - cd web
        - |
          echo one
          echo two
    build: { commands: npm run build }
    postBuild: { commands: [] }
  artifacts:
    baseDirectory: /web/dist/
    files: ['**/*', '!*.map']
    discard-paths: yes
  surprise: ignored
`)
  expect(spec).toEqual({
    variables: { NODE_VERSION: '20.10', EMPTY: '', FLAG: 'yes' },
    appRoot: '',
    buildPath: '',
    backend: phases('preBuild', 'build', 'postBuild').with(1, { name: 'build', commands: ['amplifyPush'] }),
    frontend: [
      { name: 'preBuild', commands: ['cd web', 'echo one\necho two\n'] },
      { name: 'build', commands: ['npm run build'] },
      { name: 'postBuild', commands: [] },
    ],
    test: {
      phases: phases('preTest', 'test', 'postTest').with(1, { name: 'test', commands: ['npx cypress run'] }),
      artifacts: { baseDirectory: 'cypress', files: ['**/*.png'], configFilePath: '**/mochawesome.json' },
    },
    artifacts: { baseDirectory: 'web/dist', files: ['**/*', '!*.map'], discardPaths: true },
    cachePaths: ['node_modules/**/*', '!node_modules/.cache/**/*'],
    customHeaders: [{ pattern: '**/*', headers: [{ key: 'X-Frame-Options', value: 'DENY' }] }],
    unknownKeys: ['frontend.surprise'],
    warnings: [],
  })
})

test.each(['1', '"1"', '1.0', "'1.0'"])('takes version %s', (version) => {
  expect(logOf(`version: ${version}\nfrontend:\n${artifacts}`)).toBe('accepted')
})

test.each(['/', '.', './', ''])('takes baseDirectory %j as the root', (folder) => {
  const spec = parseBuildSpec(`version: 1\nfrontend:\n  artifacts: { baseDirectory: '${folder}' }\n`)
  expect(spec.artifacts).toEqual({ baseDirectory: '', files: ['**/*'], discardPaths: false })
})

test('merges keys from anchors', () => {
  const spec = parseBuildSpec(
    `version: 1\nx: &x { A: '1' }\nenv: { variables: { <<: *x, B: 2 } }\nfrontend:\n${artifacts}`,
  )
  expect(spec.variables).toEqual({ A: '1', B: '2' })
})

const app = (root: string, more = '') =>
  `  - appRoot: ${root}\n    frontend:\n      artifacts: { baseDirectory: dist }\n${more}`

describe('a monorepo', () => {
  const two = `version: 1\nenv: { variables: { A: shared, B: shared } }\napplications:\n${app('apps/a', '    env: { variables: { B: own } }\n')}${app('/apps/b/', '      buildPath: /\n')}`

  test.each([
    ['apps/a', 'apps/a', 'apps/a', { A: 'shared', B: 'own' }],
    ['./apps/a/', 'apps/a', 'apps/a', { A: 'shared', B: 'own' }],
    ['apps/b', 'apps/b', '', { A: 'shared', B: 'shared' }],
  ])('builds %s', (wanted, appRoot, buildPath, variables) => {
    expect(parseBuildSpec(two, wanted)).toMatchObject({ appRoot, buildPath, variables, warnings: [] })
  })

  test('of one app needs no choice, and then its root does not count', () => {
    const spec = parseBuildSpec(`version: 1\napplications:\n${app('apps/a')}`)
    expect(spec).toMatchObject({ appRoot: '', buildPath: '' })
    expect(spec.warnings).toEqual([expect.stringMatching(/apps\/a, does not count/)])
  })

  test('names keys that mean nothing in the app that is built', () => {
    const source = `version: 1\nfrontend: {}\napplications:\n${app('a', '    surprise: 1\n')}${app('b', '    other: 1\n')}`
    expect(parseBuildSpec(source, 'a').unknownKeys).toEqual(['frontend', 'applications[0].surprise'])
  })

  test.each([
    [
      'version: 1\nfrontend: { artifacts: {} }\n',
      'apps/a',
      /^Monorepo spec provided without "applications" key$/,
    ],
    [two, 'apps/c', /AMPLIFY_MONOREPO_APP_ROOT is apps\/c, .* They have: apps\/a, apps\/b/],
    [two, undefined, /has 2 applications. Set AMPLIFY_MONOREPO_APP_ROOT .*: apps\/a, apps\/b/],
    ['version: 1\napplications: []\n', undefined, /is empty/],
    [two, '../apps/a', /AMPLIFY_MONOREPO_APP_ROOT leads out of the repository/],
    [
      `version: 1\napplications:\n${app('a', '      phases: { build: { commands: [{ a: b }] } }\n')}`,
      'a',
      /applications\[0\]\.frontend\.phases\.build\.commands\[0\] is a mapping/,
    ],
  ])('is refused: %#', (source, wanted, words) => {
    expect(() => parseBuildSpec(source, wanted)).toThrow(words)
  })
})

test('keys that mean nothing are named', () => {
  const spec = parseBuildSpec(`
version: 1
fronted: {}
frontend:
  phases:
    prebuild: { commands: [npm ci] }
    build: { command: [npm run build] }
  artifacts: { baseDirectory: dist, file: ['**/*'] }
`)
  expect(spec.unknownKeys).toEqual([
    'fronted',
    'frontend.phases.prebuild',
    'frontend.phases.build.command',
    'frontend.artifacts.file',
  ])
})

describe('refuses, with the words for the log:', () => {
  test.each([
    [
      'version: 1\nfrontend: {}\nfrontend: {}\n',
      /^!!! CustomerError: Unable to parse build spec: duplicated mapping key \(3:1\)\n\n 1 \| version: 1/,
    ],
    ['version: 1\nfrontend: [\n', /Unable to parse build spec: .*\(3:1\)/],
    ['', /the document must be a mapping/],
    ['hello', /the document must be a mapping/],
    ['version: 2\n', /version is "2", and only version 1 exists/],
    ['frontend: {}\n', /version is missing/],
    [
      'version: 1\nfrontend:\n  phases: { build: { commands: [{ echo a: b }] } }\n',
      /frontend\.phases\.build\.commands\[0\] is a mapping, not a command/,
    ],
    ['version: 1\nfrontend: { phases: { build: { commands: { a: b } } } }\n', /must be a list of commands/],
    ['version: 1\n', /Artifacts base directory not found in build output/],
    ['version: 1\nfrontend: { artifacts: { baseDirectory: ../x } }\n', /leads out of the repository/],
    ['version: 1\nenv: { variables: { "A B": c } }\nfrontend: { artifacts: {} }\n', /"A B" in env.variables/],
    ['version: 1\nfrontend: { buildPath: a/../b, artifacts: {} }\n', /buildPath leads out of the repository/],
    [
      'version: 1\nfrontend: { artifacts: {} }\ncustomHeaders: [{ pattern: a, headers: [{ key: a b, value: c }] }]\n',
      /customHeaders\[0\]\.headers\[0\]\.key "a b" cannot be the name of a header/,
    ],
    [
      'version: 1\nfrontend: { artifacts: {} }\ncustomHeaders: [{ pattern: a, headers: [{ key: a, value: "b\\nc" }] }]\n',
      /value of "a" has a line break/,
    ],
    [`version: 1\nx: ${'a'.repeat(300_000)}\n`, /longer than 262144 bytes/],
    [`a: ${'['.repeat(5000)}`, /nesting exceeded/],
  ])('%j', (source, words) => {
    expect(logOf(source)).toMatch(words)
  })

  test('aliases of aliases, of which nobody spells out the thousand million', () => {
    const lists = Array.from({ length: 9 }, (_list, at) => {
      const item = at === 0 ? 'x' : `*l${at - 1}`
      return `l${at}: &l${at} [${Array(10).fill(item).join(', ')}]`
    })
    const commands = 'frontend: { phases: { build: { commands: *l8 } } }'
    expect(logOf(`version: 1\n${lists.join('\n')}\n${commands}\n`)).toMatch(
      /with its aliases spelled out it is longer/,
    )
  })

  test('an alias bomb, at once', () => {
    const maps = Array.from({ length: 30 }, (_, index) => `b${index}: { <<: [*a, *a, *a] }`).join('\n')
    const keys = Array.from({ length: 2000 }, (_, index) => `k${index}: 1`).join(', ')
    expect(logOf(`version: 1\na: &a { ${keys} }\n${maps}\n`)).toMatch(/Unable to parse build spec: .*merge/)
  })
})
