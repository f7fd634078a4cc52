import { describe, expect, test } from 'bun:test'

import { BuildFailed } from './build-failed.ts'
import { parseBuildSpec } from './build-spec.ts'

const artifacts = '  artifacts:\n    baseDirectory: dist\n    files: ["**/*"]\n'

function logOf(source: string): string {
  try {
    parseBuildSpec(source)
  } catch (error) {
    if (error instanceof BuildFailed) return error.logLines.map((line) => `!!! ${line}`).join('\n')
    throw error
  }
  return 'accepted'
}

test('reads a whole spec', () => {
  const spec = parseBuildSpec(`version: 1
env:
  variables:
    NODE_VERSION: 20.10
    EMPTY:
    FLAG: yes
frontend:
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
    phases: [
      { name: 'preBuild', commands: ['cd web', 'echo one\necho two\n'] },
      { name: 'build', commands: ['npm run build'] },
      { name: 'postBuild', commands: [] },
    ],
    artifacts: { baseDirectory: 'web/dist', files: ['**/*', '!*.map'], discardPaths: true },
    cachePaths: undefined,
    skipped: [],
    unknownKeys: ['frontend.surprise'],
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

test('names the sections that are left for later', () => {
  const spec = parseBuildSpec(
    `version: 1\nbackend: { phases: {} }\ntest: {}\nfrontend:\n  buildPath: web\n${artifacts}  cache: { paths: [node_modules/**/*] }\n`,
  )
  expect(spec.skipped).toEqual(['backend', 'test', 'frontend.buildPath'])
  expect(spec.cachePaths).toEqual(['node_modules/**/*'])
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
    ['version: 1\napplications: []\n', /"applications" key/],
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
    expect(logOf(`version: 1\n${lists.join('\n')}\n${commands}\n`)).toMatch(/commands\[0\] must be text/)
  })

  test('an alias bomb, at once', () => {
    const maps = Array.from({ length: 30 }, (_, index) => `b${index}: { <<: [*a, *a, *a] }`).join('\n')
    const keys = Array.from({ length: 2000 }, (_, index) => `k${index}: 1`).join(', ')
    expect(logOf(`version: 1\na: &a { ${keys} }\n${maps}\n`)).toMatch(/Unable to parse build spec: .*merge/)
  })
})
