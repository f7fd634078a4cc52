import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { commandBuilds } from '../support/command-builds.ts'
import { type JobRuns, openJobRuns } from '../support/job-runs.ts'
import { startNpmRegistry, type TestRegistry } from '../support/npm-registry.ts'
import { requires } from '../support/requires.ts'
import { openTestToolchains, type TestToolchainsOptions } from '../support/toolchains.ts'
import { waitFor } from '../support/wait-for.ts'

const { startWith, buildWith, removeRepositories } = commandBuilds()
afterAll(removeRepositories)

const hasBubblewrap = requires('bwrap')
const executors = hasBubblewrap ? (['process', 'bubblewrap'] as const) : (['process'] as const)

/** A program that says its version as Node does, and otherwise what it was asked. */
const fakeNode = (version: string) =>
  `#!/bin/bash\nif [[ $1 == -v || $1 == --version ]]; then echo v${version}; else echo "node ${version} $*"; fi\n`
const npmFiles = { 'bin/npm-cli.js': '#!/usr/bin/env node\n', 'bin/npx-cli.js': '#!/usr/bin/env node\n' }
const nodePackage = `node-linux-${process.arch}`

async function addNode(registry: TestRegistry, version: string): Promise<void> {
  await registry.add(nodePackage, version, { 'bin/node': fakeNode(version) })
}

describe.each([...executors])('versions of Node in a build by %s', (executor) => {
  let registry: TestRegistry
  let folder: string
  let runs: JobRuns

  beforeAll(async () => {
    registry = startNpmRegistry()
    for (const version of ['97.1.0', '97.2.0', '98.0.0', '98.1.0', '99.0.0']) await addNode(registry, version)
    await registry.add('npm', '10.0.0', npmFiles)
    folder = mkdtempSync(join(tmpdir(), 'preamp-tool-cache-'))
    const toolchains = await openTestToolchains(folder, { registry: registry.open(), defaultNode: '98' })
    runs = await openJobRuns({ executor, toolchains })
  })
  afterAll(async () => {
    await runs.close()
    await registry.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each([
    ['nothing names one', {}, {}, 'echo', '98.1.0', 'the default'],
    ['.nvmrc does', { '.nvmrc': '# ours\nv97.1\n' }, {}, 'echo', '97.1.0', '.nvmrc'],
    ['.node-version does', { '.node-version': '97' }, {}, 'echo', '97.2.0', '.node-version'],
    [
      'engines does',
      { 'package.json': '{"engines":{"node":">=97"}}' },
      {},
      'echo',
      '98.1.0',
      'engines of package.json: >=97',
    ],
    ['the spec does', { '.nvmrc': '97' }, {}, 'nvm use 99', '99.0.0', 'the build spec: nvm use 99'],
    [
      '_LIVE_UPDATES does',
      { '.nvmrc': '97' },
      { _LIVE_UPDATES: '[{"name":"Node.js version","pkg":"node","type":"nvm","version":"98.0.0"}]' },
      'echo',
      '98.0.0',
      '_LIVE_UPDATES',
    ],
  ])('where %s', async (_case, files, variables, command, version, from) => {
    const built = await buildWith(runs, [command, 'node -v'], files, variables)
    expect(built).toMatchObject({ status: 'SUCCEED', reason: null })
    expect(built.log).toMatch(
      new RegExp(`^# Node ${version} is used, .* \\(${RegExp.escape(from)}\\)\\.$`, 'm'),
    )
    expect(built.log).toMatch(new RegExp(`^v${version}$`, 'm'))
  })

  test('nvm installs, changes and names them, and the choice lasts from command to command', async () => {
    const built = await buildWith(
      runs,
      [
        'set -eu',
        'nvm install 97',
        'node -v',
        'nvm use 98.0.0 > /dev/null',
        'echo "second $(nvm current)"',
        'nvm alias default 99',
        'nvm use',
        'echo "from .nvmrc: $(node -v)"',
        'nvm exec 97.1.0 node -v && nvm run 97.2 one two',
        'bash -c ". ~/.nvm/nvm.sh; nvm use default; node -v"',
        'echo "still $(node -v), $(nvm which current)"',
        'nvm ls',
      ],
      { '.nvmrc': '98' },
    )
    expect(built).toMatchObject({ status: 'SUCCEED', reason: null })
    for (const line of [
      'Now using node v97.2.0',
      'second v98.0.0',
      'from .nvmrc: v98.1.0',
      'v97.1.0',
      'node 97.2.0 one two',
      'v99.0.0',
      '->   v98.1.0',
    ])
      expect(built.log).toContain(`\n${line}\n`)
    expect(built.log).toMatch(/\nstill v98\.1\.0, .*\/node-98\.1\.0\/bin\/node\n/)
  })

  test('a version that does not exist fails the command, with the reason', async () => {
    const built = await buildWith(runs, ['nvm install 3.3.3'])
    expect(built.status).toBe('FAILED')
    expect(built.reason).toContain('status 3: nvm install 3.3.3')
    expect(built.log).toContain('The npm registry has no version of node that fits 3.3.3')
  })

  test.if(executor === executors.at(-1))(
    'a version is asked for once, in what form versions have',
    async () => {
      const built = await buildWith(runs, [
        'for n in $(seq 105); do nvm use --silent 97; done; node -v',
        'nvm use "97; touch x" || echo "no $?"',
        `nvm use ${'9'.repeat(70)} || echo "no $?"`,
      ])
      expect(built).toMatchObject({ status: 'SUCCEED', reason: null })
      expect(built.log).toContain('\nv97.2.0\n')
      expect(built.log).toContain('97; touch x is no version')
      expect(built.log.match(/^no 3$/gm)).toHaveLength(2)
    },
  )

  test('hostile requests are refused, and change nothing', async () => {
    const garbage = [
      '1 node ../../etc/passwd@',
      '../2 node 1@',
      '3 rm 1@',
      '4 node git+ssh://x@',
      'x'.repeat(1000),
    ]
    const built = await buildWith(runs, [
      `printf '%s\\n' ${garbage.map((line) => `'${line}'`).join(' ')} > $PREAMP_TOOLCHAIN/request`,
      'for n in $(seq 100 200); do echo "$n leftpad 1@" > $PREAMP_TOOLCHAIN/request; done',
      'until [ -e $PREAMP_TOOLCHAIN/replies/200 ]; do sleep 0.05; done',
      'cat $PREAMP_TOOLCHAIN/replies/{3,100,200}',
      'touch $PREAMP_TOOLCHAIN/replies/x $PREAMP_TOOLS/node-98.1.0/bin/node || echo kept',
      'echo $(ls $PREAMP_TOOLCHAIN)',
    ])
    expect(built).toMatchObject({ status: 'SUCCEED', reason: null })
    expect(built.log).toContain('rm 1 is no version of a known tool')
    expect(built.log).toContain('leftpad 1 is no version of a known tool')
    expect(built.log).toContain('a build may ask for 100 tools')
    expect(built.log).toContain('\nnvm.sh replies request shim.sh shims\n')
    if (executor === 'bubblewrap') expect(built.log).toContain('\nkept\n')
    expect(readFileSync(join(folder, 'ready/node-98.1.0/bin/node'), 'utf8')).toBe(fakeNode('98.1.0'))
  })
})

describe('the tool cache', () => {
  let registry: TestRegistry
  let folder: string
  const opened: JobRuns[] = []

  beforeAll(async () => {
    registry = startNpmRegistry()
    await addNode(registry, '98.0.0')
    await addNode(registry, '97.0.0')
    await registry.add('npm', '10.0.0', npmFiles)
    folder = mkdtempSync(join(tmpdir(), 'preamp-tool-cache-'))
  })
  afterAll(async () => {
    for (const runs of opened) await runs.close()
    await registry.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function server(
    place: string,
    options: TestToolchainsOptions = {},
    executor: 'process' | 'bubblewrap' = 'process',
  ): Promise<JobRuns> {
    const toolchains = await openTestToolchains(place, {
      registry: registry.open(),
      defaultNode: '98',
      ...options,
    })
    const runs = await openJobRuns({ executor, toolchains })
    opened.push(runs)
    return runs
  }
  const nodeDownloads = () => registry.requests.filter((path) => path.startsWith(`${nodePackage}/-/`))

  test.if(hasBubblewrap)('shows tools to the build’s user, whatever the umask of the server', async () => {
    const before = process.umask(0o077)
    try {
      const runs = await server(join(folder, 'umask'), {}, 'bubblewrap')
      const built = await buildWith(runs, ['node -v', 'nvm use 97', 'node -v'])
      expect(built.log).toContain('\nv97.0.0\n')
      expect(built).toMatchObject({ status: 'SUCCEED', reason: null })
    } finally {
      process.umask(before)
    }
  })

  test('downloads once what two builds want at the same time', async () => {
    const before = nodeDownloads().length
    const runs = await server(join(folder, 'a'))
    const builds = await Promise.all([buildWith(runs, ['node -v']), buildWith(runs, ['node -v'])])
    expect(builds).toMatchObject([{ status: 'SUCCEED' }, { status: 'SUCCEED' }])
    for (const { log } of builds) expect(log).toContain('\nv98.0.0\n')
    expect(nodeDownloads()).toHaveLength(before + 1)
  })

  test('never uses what is damaged or unfinished, and makes it anew', async () => {
    const place = join(folder, 'a')
    const program = join(place, 'ready/node-98.0.0/bin/node')
    rmSync(program)
    writeFileSync(program, fakeNode('00.0.0'), { mode: 0o755 })
    writeFileSync(join(place, 'partial/left'), 'half')
    const before = nodeDownloads().length
    const runs = await server(place)
    const built = await buildWith(runs, ['node -v'])
    expect(built.log).toContain('\nv98.0.0\n')
    expect(nodeDownloads()).toHaveLength(before + 1)
    expect(readdirSync(join(place, 'partial'))).toEqual([])
  })

  test('goes on with what it has, or with the Node of the machine, where the registry does not answer', async () => {
    registry.behave('refuse')
    try {
      const runs = await server(join(folder, 'a'))
      expect((await buildWith(runs, ['node -v'])).log).toContain('\nv98.0.0\n')
      const without = await buildWith(runs, ['echo on'], { '.nvmrc': '97' })
      expect(without.status).toBe('SUCCEED')
      expect(without.log).toMatch(
        /# Node 97 \(\.nvmrc\) is not to be had: The npm registry failed when asked for node-linux-\S+: E418\. The build begins with Node \S+ of this machine\./,
      )
    } finally {
      registry.behave('answer')
    }
  })

  test('keeps no job from being stopped while the registry is silent', async () => {
    registry.behave('be silent')
    try {
      for (const [defaultNode, command] of [
        ['98', 'node -v'],
        ['host', 'wanted=97; nvm install $wanted'],
      ] as const) {
        const runs = await server(join(folder, `silent-${defaultNode}`), { defaultNode })
        const before = registry.requests.length
        const jobKey = await startWith(runs, [command])
        await waitFor('the registry to be asked', 20, () => registry.requests.length > before)
        await runs.stop(jobKey)
        expect(await runs.finish(jobKey)).toMatchObject({ status: 'CANCELLED' })
      }
    } finally {
      registry.behave('answer')
    }
  })

  test('takes no package whose bytes are not those of its checksum, and no links', async () => {
    const integrity = `sha512-${Buffer.alloc(64).toString('base64')}`
    await registry.add(nodePackage, '96.0.0', { 'bin/node': fakeNode('96.0.0') }, { integrity })
    const links = { passwd: '/etc/passwd' }
    await registry.add(nodePackage, '95.0.0', { 'bin/node': fakeNode('95.0.0') }, { links })
    const place = join(folder, 'b')
    const runs = await server(place)
    const changed = await buildWith(runs, ['nvm install 96'])
    expect(changed.status).toBe('FAILED')
    expect(changed.log).toContain('EINTEGRITY')
    expect(readdirSync(join(place, 'ready'))).toEqual([])
    expect(await buildWith(runs, ['nvm install 95'])).toMatchObject({ status: 'SUCCEED' })
    expect(existsSync(join(place, 'ready/node-95.0.0/passwd'))).toBe(false)
  })

  test('drops what was used longest ago where it is too much, but nothing that is in use', async () => {
    const place = join(folder, 'c')
    const runs = await server(place, { bytesMax: 1 })
    const built = await buildWith(runs, ['nvm install 97', 'nvm install 98', 'nvm use 97', 'node -v'])
    expect(built.log).toContain('\nv97.0.0\n')
    await buildWith(runs, ['nvm install 95'])
    expect(readdirSync(join(place, 'ready'))).toEqual(['node-95.0.0'])
  })
})

test('an nvm that the build could install with decides instead', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-nvm-'))
  chmodSync(folder, 0o777)
  const nvm = 'nvm() { echo "its own $*, prefix ${npm_config_prefix-none}"; }\n'
  writeFileSync(join(folder, 'nvm.sh'), nvm, { mode: 0o644 })
  const runs = await openJobRuns({ executor: 'process' })
  try {
    const built = await buildWith(runs, ['nvm install 97'], {}, { NVM_DIR: folder })
    expect(built.log).toContain(`# The nvm of ${folder} decides about Node: its own current, prefix none\n`)
    expect(built.log).toContain('\nits own install 97, prefix none\n')
  } finally {
    await runs.close()
    rmSync(folder, { recursive: true })
  }
})

describe('_LIVE_UPDATES', () => {
  let runs: JobRuns
  beforeAll(async () => {
    runs = await openJobRuns({ executor: 'process' })
  })
  afterAll(() => runs.close())

  test.each([
    ['{', '_LIVE_UPDATES is no JSON'],
    ['{}', '_LIVE_UPDATES must be a list'],
    ['[{"pkg":"x; touch /tmp/x","type":"npm","version":"1"}]', 'is no package of npm'],
    ['[{"pkg":"x","type":"npm","version":"$(id)"}]', 'is no package of npm'],
    ['[{"pkg":"node","type":"nvm","version":"later"}]', 'later is no version of Node'],
  ])('%s fails the build with the reason', async (value, reason) => {
    const built = await buildWith(runs, ['echo never'], {}, { _LIVE_UPDATES: value })
    expect(built.status).toBe('FAILED')
    expect(built.reason).toContain(reason)
  })

  test('what cannot be updated is named', async () => {
    const value = JSON.stringify([
      { pkg: 'hugo', type: 'hugo', version: '0.120' },
      { pkg: 'ruby', type: 'rvm', version: '3' },
    ])
    const built = await buildWith(runs, ['echo on'], {}, { _LIVE_UPDATES: value })
    expect(built.status).toBe('SUCCEED')
    expect(built.log).toContain('# _LIVE_UPDATES: hugo 0.120 is not to be had from the npm registry')
    expect(built.log).toContain('"type":"rvm"')
  })
})
