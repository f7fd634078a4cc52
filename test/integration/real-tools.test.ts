import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { passedOnVariables } from '../../src/build/environment.ts'
import { commandBuilds } from '../support/command-builds.ts'
import { type JobRuns, openJobRuns } from '../support/job-runs.ts'
import { requires, requiresRegistry } from '../support/requires.ts'
import { openTestToolchains } from '../support/toolchains.ts'

function packageJson(packageManager: string): string {
  return JSON.stringify({ name: 'site', private: true, packageManager })
}

// What toolchains.test.ts tests with a registry of its own, here with the one that npm is configured for.
describe.if(requires('bwrap') && (await requiresRegistry()))('tools of the npm registry', () => {
  const { buildWith, removeRepositories } = commandBuilds()
  const folder = mkdtempSync(join(tmpdir(), 'preamp-tools-'))
  let runs: JobRuns

  beforeAll(async () => {
    runs = await openJobRuns({
      executor: 'bubblewrap',
      toolchains: await openTestToolchains(folder),
      runner: { serverVariables: passedOnVariables(process.env, undefined) },
    })
  })
  afterAll(async () => {
    await runs.close()
    removeRepositories()
    rmSync(folder, { recursive: true, force: true })
  })

  test('are there in a build', async () => {
    const hostVersion = Bun.spawnSync(['node', '-v']).stdout.toString().trim()
    const major = hostVersion.startsWith('v22.') ? '24' : '22'
    const update = { name: 'semver', pkg: 'semver', type: 'npm', version: '7.6.0' }
    const built = await buildWith(
      runs,
      [
        `nvm install ${major} && nvm alias default ${major}`,
        'echo "node $(node -v), npm $(npm -v)"',
        'echo "host $(nvm exec system node -v)"',
        'echo "update $(semver 1.2.3), npx $(npx --yes semver@7.6.0 3.2.1)"',
        '(cd pnpm && echo "pnpm $(pnpm -v)")',
        '(cd yarn && echo "yarn $(yarn -v)" && corepack enable && echo "corepack yarn $(yarn -v)")',
        'echo "bun $(bun -v)"',
        'npm install -g pnpm@9.15.9 && echo "global pnpm $(pnpm -v)"',
      ],
      {
        'yarn/package.json': packageJson('yarn@4.9.1'),
        'pnpm/package.json': packageJson('pnpm@10.20.0'),
      },
      { _LIVE_UPDATES: JSON.stringify([update]) },
    )
    expect(built).toMatchObject({ status: 'SUCCEED', reason: null })
    for (const line of [
      new RegExp(`^node v${major}\\.\\d+\\.\\d+, npm \\d+\\.\\d+\\.\\d+$`, 'm'),
      new RegExp(`^host ${RegExp.escape(hostVersion)}$`, 'm'),
      /^update 1\.2\.3, npx 3\.2\.1$/m,
      /^pnpm 10\.20\.0$/m,
      /^yarn 4\.9\.1/m,
      /^corepack yarn 4\.9\.1/m,
      /^bun \d+\.\d+\.\d+$/m,
      /^global pnpm 9\.15\.9$/m,
    ]) {
      expect(built.log).toMatch(line)
    }
  }, 180_000)
})
