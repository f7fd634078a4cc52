import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'

import { findAppById, updateApp } from '../../src/store/apps.ts'
import { findBranchById } from '../../src/store/branches.ts'
import { createGitRepository, type TestRepository } from '../support/git-repository.ts'
import { type JobRuns, openJobRuns } from '../support/job-runs.ts'

let runs: JobRuns
const repositories: TestRepository[] = []

beforeAll(async () => {
  runs = await openJobRuns({ executor: 'process' })
})
afterAll(async () => {
  await runs?.close()
  for (const one of repositories) one.remove()
})

async function repository(files: Record<string, string>): Promise<TestRepository> {
  const made = await createGitRepository(files)
  repositories.push(made)
  return made
}

const withoutBuild = 'version: 1\nfrontend: { artifacts: { baseDirectory: vite } }\n'

/** A site of Vite, but for Vite itself: a folder of the repository stands for it, so that no registry is asked. */
const viteSite = {
  'package.json': JSON.stringify({
    scripts: { build: 'node build.cjs --outDir web' },
    dependencies: { vite: 'file:./vite' },
  }),
  'vite/package.json': '{"name":"vite","version":"8.0.0"}',
  'build.cjs': "require('fs').mkdirSync('web'); require('fs').writeFileSync('web/index.html', 'Birds')",
}

async function settingsOf(branchId: string) {
  const branch = await findBranchById(runs.database.queries, branchId)
  const app = await findAppById(runs.database.queries, branch!.appId)
  return { app: app!.settings, branch: branch!.settings, updatedAt: app!.updatedAt }
}

async function build(branchId: string): Promise<{ status: string; log: string; reason: string | null }> {
  const jobKey = await runs.start(branchId)
  const { status } = await runs.finish(jobKey)
  const [step] = await runs.steps(jobKey)
  return { status, log: await runs.log(jobKey, 'BUILD'), reason: step!.statusReason }
}

describe('a repository without a build spec', () => {
  test('is built as its framework wants it, and the app keeps the spec', async () => {
    const branchId = await runs.addApp({ repository: (await repository(viteSite)).url })
    const { status, log } = await build(branchId)
    expect(status, log).toBe('SUCCEED')
    expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': 'Birds' })
    expect(log).toContain('# Detected framework: Vite, platform WEB')
    expect(log).toContain('# - package.json depends on vite')
    expect(log).toContain('# - the build script writes to web')
    expect(log).toContain('# - there is no lock file: dependencies come with npm')
    expect(log).toContain('# Written to the buildSpec of the app')
    const { app, branch } = await settingsOf(branchId)
    expect(app.buildSpec).toContain('- npm run build\n')
    expect(app.buildSpec).toContain('baseDirectory: web\n')
    expect({ platform: app.platform, framework: branch.framework }).toEqual({
      platform: 'WEB',
      framework: 'Vite',
    })
  })

  test('is detected anew, until somebody sets a spec', async () => {
    const made = await repository(viteSite)
    const branchId = await runs.addApp({ repository: made.url })
    await build(branchId)
    made.commit({ 'yarn.lock': '' })
    const changed = await build(branchId)
    expect(changed.log).toContain('# - the lock file is yarn.lock')
    expect(changed.log).toContain('# Written to the buildSpec of the app')
    expect((await settingsOf(branchId)).app.buildSpec).toContain('yarn install')
    const { queries } = runs.database
    const { appId } = (await findBranchById(queries, branchId))!
    const { buildSpecDetected: _, ...settings } = (await settingsOf(branchId)).app
    await updateApp(queries, appId, { settings: { ...settings, buildSpec: withoutBuild } })
    const own = await build(branchId)
    expect(own.log).not.toContain('Detected framework')
    expect(own.log).toContain("# Build spec: the app's buildSpec")
  })

  test('leaves the framework that somebody set', async () => {
    const branchId = await runs.addApp(
      { repository: (await repository(viteSite)).url },
      { branch: { framework: 'Birds' } },
    )
    const { log } = await build(branchId)
    expect(log).not.toContain('# Written to the framework')
    expect((await settingsOf(branchId)).branch.framework).toBe('Birds')
  })

  test('of a site that needs a server fails before any command, says what to do, and leaves the app', async () => {
    const packageJson = JSON.stringify({ dependencies: { next: '16' }, scripts: { build: 'next build' } })
    const branchId = await runs.addApp({
      repository: (await repository({ 'package.json': packageJson })).url,
    })
    const { status, log, reason } = await build(branchId)
    expect(status).toBe('FAILED')
    expect(reason).toContain('Next.js - SSR needs a server here')
    expect(reason).toContain("write output: 'export' into next.config.js")
    expect(log).not.toContain('# Executing command')
    const { app, branch } = await settingsOf(branchId)
    expect([app.buildSpec, branch.framework]).toEqual([undefined, undefined])
  })

  test('of plain HTML is published as it is, and the app keeps nothing', async () => {
    const branchId = await runs.addApp({ repository: (await repository({ 'index.html': 'Birds' })).url })
    const { status, log } = await build(branchId)
    expect(status).toBe('SUCCEED')
    expect(log).toContain('Publishing the files of the repository as they are.')
    expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': 'Birds' })
    expect((await settingsOf(branchId)).app.buildSpec).toBeUndefined()
  })

  test('with a build script of no known generator, or workspaces, is published with a warning', async () => {
    const packageJson = JSON.stringify({ workspaces: ['apps/*'], scripts: { build: 'node build.mjs' } })
    const branchId = await runs.addApp({
      repository: (await repository({ 'package.json': packageJson })).url,
    })
    const { status, log } = await build(branchId)
    expect(status).toBe('SUCCEED')
    expect(log).toContain('package.json has a build script, which was not run')
    expect(log).toContain('Set AMPLIFY_MONOREPO_APP_ROOT to the folder of the app')
  })

  test.each(['missing', 'linked', '../..', 'index.html'])('with the app folder %s fails', async (appRoot) => {
    const made = await repository({ 'index.html': 'Birds', 'real/package.json': '{}' })
    symlinkSync(join(made.folder, 'real'), join(made.folder, 'linked'))
    made.commit({})
    const branchId = await runs.addApp({
      repository: made.url,
      environmentVariables: { AMPLIFY_MONOREPO_APP_ROOT: appRoot },
    })
    const { status, reason } = await build(branchId)
    expect(status).toBe('FAILED')
    expect(reason).toContain('the repository has no such folder')
  })

  test('of a monorepo is built in the folder of the app, whose choice alone the app keeps', async () => {
    const inApps = Object.entries(viteSite).map(([name, text]) => [`apps/web/${name}`, text])
    const { url } = await repository({ ...Object.fromEntries(inApps), 'index.html': 'not this' })
    const environmentVariables = { AMPLIFY_MONOREPO_APP_ROOT: './apps/web/' }
    const ofApp = await runs.addApp({ repository: url, environmentVariables })
    const built = await build(ofApp)
    expect(built.status, built.log).toBe('SUCCEED')
    expect(await runs.liveFiles(ofApp)).toEqual({ 'index.html': 'Birds' })
    expect((await settingsOf(ofApp)).app.buildSpec).toContain('  - appRoot: apps/web\n')
    expect((await build(ofApp)).status).toBe('SUCCEED')

    const ofBranch = await runs.addApp({ repository: url }, { branch: { environmentVariables } })
    const before = await settingsOf(ofBranch)
    expect((await build(ofBranch)).status).toBe('SUCCEED')
    expect(await settingsOf(ofBranch)).toMatchObject({ app: before.app, updatedAt: before.updatedAt })
    expect(before.app.buildSpec).toBeUndefined()
    expect((await settingsOf(ofBranch)).branch.framework).toBe('Vite')
  })

  test('of a monorepo without a known framework publishes the folder of the app alone', async () => {
    const { url } = await repository({ 'web/index.html': 'Birds', 'index.html': 'not this' })
    const branchId = await runs.addApp({
      repository: url,
      environmentVariables: { AMPLIFY_MONOREPO_APP_ROOT: 'web' },
    })
    expect((await build(branchId)).status).toBe('SUCCEED')
    expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': 'Birds' })
  })

  test('does not read configuration through links', async () => {
    const made = await repository({ 'index.html': 'Birds' })
    symlinkSync('/etc/hostname', join(made.folder, 'hugo.toml'))
    symlinkSync('index.html', join(made.folder, 'package.json'))
    made.commit({})
    const { log } = await build(await runs.addApp({ repository: made.url }))
    expect(log).toContain('Publishing the files of the repository as they are.')
  })
})
