import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { limits } from '../../src/model/limits.ts'
import type { Manifest } from '../../src/model/manifest.ts'
import { findTestConfig, listTestArtifacts } from '../../src/store/artifacts.ts'
import { findDeploymentOfJob } from '../../src/store/deployments.ts'
import { findStep } from '../../src/store/steps.ts'
import { createGitRepository, createSiteRepository, type TestRepository } from '../support/git-repository.ts'
import { type JobRuns, openJobRuns } from '../support/job-runs.ts'
import { requires } from '../support/requires.ts'
import { waitFor } from '../support/wait-for.ts'

const repositories: TestRepository[] = []
afterAll(() => {
  for (const repository of repositories) repository.remove()
})

async function repositoryWith(files: Record<string, string>): Promise<TestRepository> {
  const repository = await createGitRepository(files, 'site')
  repositories.push(repository)
  return repository
}

const monorepoApp = (name: string, frontend: string) =>
  `  - appRoot: apps/${name}\n    frontend:\n      phases: { build: { commands: ['mkdir out; echo "${name} in $(basename "$PWD")" > out/index.html'] } }\n${frontend}`

const headers = (value: string) =>
  `customHeaders: [{ pattern: '**/*', headers: [{ key: X-From, value: ${value} }] }]\n`

const saying = (value: string) => [{ pattern: '**/*', headers: [{ key: 'X-From', value }] }]

const executors = [
  ['process', true],
  ['bubblewrap', requires('bwrap')],
] as const

describe.each(executors.filter(([, there]) => there).map(([name]) => name))(
  'sections of a build spec, by %s',
  (executor) => {
    let runs: JobRuns
    beforeAll(async () => {
      runs = await openJobRuns({ executor })
    })
    afterAll(() => runs.close())

    async function run(files: Record<string, string>, variables: Record<string, string> = {}) {
      const repository = await repositoryWith(files)
      const branchId = await runs.addApp({ repository: repository.url, environmentVariables: variables })
      const jobKey = await runs.start(branchId)
      return { repository, branchId, jobKey, job: await runs.finish(jobKey) }
    }

    async function tested(variables: Record<string, string>) {
      const repository = await createSiteRepository('tested')
      repositories.push(repository)
      const branchId = await runs.addApp({ repository: repository.url, environmentVariables: variables })
      const jobKey = await runs.start(branchId)
      return { branchId, jobKey, job: await runs.finish(jobKey) }
    }
    const artifactsOf = (jobKey: string) => listTestArtifacts(runs.database.queries, jobKey, { limit: 10 })

    test('run in one shell, each from the start folder', async () => {
      const spec = `version: 1
frontend:
  phases:
    build: { commands: ['basename "$PWD" > seen', 'echo $A $(f) >> seen'] }
  artifacts: { baseDirectory: /, files: [seen] }
backend:
  phases:
    build: { commands: ['export A=exported', 'f() { echo called; }', 'mkdir deep', 'cd deep'] }
`
      const { branchId, jobKey } = await run({ 'amplify.yml': spec })
      expect(await runs.liveFiles(branchId)).toEqual({ seen: 'site\nexported called\n' })
      const log = await runs.log(jobKey, 'BUILD')
      expect(log.indexOf('## Starting Backend Build')).toBeLessThan(log.indexOf('## Starting Frontend Build'))
    })

    test('go on in a new shell where a command has ended the one before', async () => {
      const spec = `version: 1
backend: { phases: { build: { commands: [exit 0] } } }
frontend:
  phases: { build: { commands: ['echo hello > index.html'] } }
  artifacts: { baseDirectory: /, files: [index.html] }
`
      const { branchId } = await run({ 'amplify.yml': spec })
      expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': 'hello\n' })
    })

    test.each([
      ['apps/a', 'a in a'],
      ['apps/b', 'b in site'],
    ])('of the app %s in a monorepo start in its folder, or its buildPath', async (root, expected) => {
      const spec = `version: 1\napplications:\n${monorepoApp('a', '      artifacts: { baseDirectory: out }\n')}${monorepoApp('b', '      buildPath: /\n      artifacts: { baseDirectory: out }\n')}`
      const { branchId } = await run(
        { 'amplify.yml': spec, 'apps/a/x': '', 'apps/b/x': '' },
        { AMPLIFY_MONOREPO_APP_ROOT: root },
      )
      expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': `${expected}\n` })
    })

    test('that start in a folder that leads out of the repository are not run', async () => {
      const repository = await repositoryWith({
        'amplify.yml': 'version: 1\nfrontend: { buildPath: out, artifacts: { baseDirectory: / } }\n',
      })
      Bun.spawnSync(['ln', '-s', '/etc', `${repository.folder}/out`])
      repository.commit({})
      const jobKey = await runs.start(await runs.addApp({ repository: repository.url }))
      expect((await runs.finish(jobKey)).statusReason).toMatch(/out, .* lies outside of the repository/)
    })

    test('of a folder that the commands exchange for a link are not published', async () => {
      const commands = `['cd ..; mv app gone; ln -s /etc app']`
      const spec = `version: 1\nfrontend: { buildPath: app, phases: { build: { commands: ${commands} } }, artifacts: { baseDirectory: / } }\n`
      const { job, branchId } = await run({ 'amplify.yml': spec, 'app/x': '' })
      expect(job.statusReason).toMatch(/app, .* lies outside of the repository/)
      expect(await runs.liveFiles(branchId)).toBeUndefined()
    })

    test('with broken YAML show the lines around the place', async () => {
      const { jobKey } = await run({ 'amplify.yml': 'version: 1\nfrontend: {}\nfrontend: {}\n' })
      const log = await runs.log(jobKey, 'BUILD')
      expect(log).toContain('!!! CustomerError: Unable to parse build spec: duplicated mapping key (3:1)')
      expect(log).toMatch(/^ +3 \| frontend: \{\}$/m)
    })

    test('keep custom headers with the deployment', async () => {
      const spec = `version: 1\nfrontend: { artifacts: { baseDirectory: /, files: [index.html] } }\n${headers('spec')}`
      const { jobKey, repository, branchId } = await run({ 'amplify.yml': spec, 'index.html': 'x' })
      repository.commit({ 'customHttp.yml': headers('file') })
      const second = await runs.start(branchId)
      await runs.finish(second)
      const manifestOf = async (key: string) => {
        const { manifestSha } = (await findDeploymentOfJob(runs.database.queries, key))!
        return JSON.parse(await runs.blobs.open(manifestSha).text()) as Manifest
      }
      expect((await manifestOf(jobKey)).legacyCustomHeaders).toEqual(saying('spec'))
      const { customHeaders, legacyCustomHeaders } = await manifestOf(second)
      expect([customHeaders, legacyCustomHeaders]).toEqual([saying('file'), saying('spec')])
    })

    test('tell of custom headers for other apps of a monorepo, and of none', async () => {
      const { jobKey } = await run(
        {
          'amplify.yml': `version: 1\napplications:\n${monorepoApp('shop', '      artifacts: { baseDirectory: out }\n')}`,
          'customHttp.yml': `applications:\n  - appRoot: apps/web\n    ${headers('web')}  - appRoot: apps/admin\n    headers: []\n`,
          'apps/shop/x': '',
        },
        { AMPLIFY_MONOREPO_APP_ROOT: 'apps/shop' },
      )
      expect(await runs.log(jobKey, 'BUILD')).toContain(
        '[WARNING]: customHttp.yml has no effect. It has headers for the apps in "apps/web", "apps/admin" and none for "apps/shop". Write an entry with that appRoot: a list of patterns with headers.',
      )
    })

    test('are left out of a push that changes nothing below the root, and of nothing else', async () => {
      const spec = `version: 1\nfrontend: { phases: { build: { commands: ['echo ran'] } }, artifacts: { baseDirectory: src } }\n`
      const { repository, branchId } = await run(
        { 'amplify.yml': spec, 'src/index.html': 'one' },
        { AMPLIFY_DIFF_DEPLOY: 'true' },
      )
      repository.commit({ 'readme.md': 'changed' })
      const push = { type: 'WEB_HOOK', trigger: 'push' } as const
      const unchanged = await runs.start(branchId, push)
      expect((await runs.finish(unchanged)).status).toBe('SUCCEED')
      expect(await runs.steps(unchanged)).toMatchObject([
        { name: 'BUILD', status: 'SUCCEED', statusReason: expect.stringMatching(/no diff detected in src/) },
      ])
      const webhook = await runs.start(branchId, { type: 'WEB_HOOK', trigger: 'webhook' })
      await runs.finish(webhook)
      expect((await runs.steps(webhook)).length).toBe(3)
      repository.commit({ 'src/index.html': 'two' })
      await runs.finish(await runs.start(branchId, push))
      expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': 'two' })
    })

    describe('test', () => {
      test('that succeeds keeps what it left, and the site goes live', async () => {
        const { branchId, jobKey, job } = await tested({})
        expect(job).toMatchObject({ status: 'SUCCEED' })
        expect((await runs.steps(jobKey)).map(({ name, status }) => `${name} ${status}`)).toEqual([
          'BUILD SUCCEED',
          'TEST SUCCEED',
          'DEPLOY SUCCEED',
          'VERIFY SUCCEED',
        ])
        expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': '<h1>tested</h1>\n' })
        expect((await artifactsOf(jobKey)).map(({ fileName }) => fileName)).toEqual([
          'report/mochawesome.json',
          'screenshots/home.cy.js/home page.png',
          'videos/home.cy.js.mp4',
        ])
        expect((await findTestConfig(runs.database.queries, jobKey))?.fileName).toBe(
          'report/mochawesome.json',
        )
        expect(await runs.log(jobKey, 'TEST')).toContain('[INFO]: ## Tests completed successfully')
        expect(await runs.log(jobKey, 'BUILD')).not.toContain('preTest')
      })

      test('that fails keeps what it left, and nothing goes live', async () => {
        const { branchId, jobKey, job } = await tested({ FAILURES: '1' })
        expect(job).toMatchObject({
          status: 'FAILED',
          statusReason: 'The command ended with status 1: bash cypress-run.sh',
        })
        expect((await runs.steps(jobKey)).map(({ name, status }) => `${name} ${status}`)).toEqual([
          'BUILD SUCCEED',
          'TEST FAILED',
        ])
        expect(await runs.liveFiles(branchId)).toBeUndefined()
        const config = await findTestConfig(runs.database.queries, jobKey)
        expect(await runs.blobs.open(config!.sha).text()).toContain('"failures":1')
        expect((await artifactsOf(jobKey)).length).toBe(3)
      })

      test('is skipped with USER_DISABLE_TESTS', async () => {
        const { jobKey, job } = await tested({ FAILURES: '1', USER_DISABLE_TESTS: 'true' })
        expect(job.status).toBe('SUCCEED')
        expect((await runs.steps(jobKey)).map(({ name }) => name)).toEqual(['BUILD', 'DEPLOY', 'VERIFY'])
      })

      const hanging = `version: 1
frontend: { artifacts: { baseDirectory: /, files: [index.html] } }
test: { phases: { test: { commands: [echo at work, sleep 1000] } } }
`

      test('that is stopped ends at once, and nothing goes live', async () => {
        const repository = await repositoryWith({ 'amplify.yml': hanging, 'index.html': 'x' })
        const branchId = await runs.addApp({ repository: repository.url })
        const jobKey = await runs.start(branchId)
        await waitFor('the tests', 20, async () =>
          (await findStep(runs.database.queries, jobKey, 'TEST')) === undefined
            ? false
            : (await runs.log(jobKey, 'TEST')).includes('at work'),
        )
        await runs.stop(jobKey)
        expect((await runs.finish(jobKey)).status).toBe('CANCELLED')
        expect((await runs.steps(jobKey)).map(({ name, status }) => `${name} ${status}`)).toEqual([
          'BUILD CANCELLED',
          'TEST CANCELLED',
        ])
        expect(await runs.liveFiles(branchId)).toBeUndefined()
      })

      test('keeps no more files than it may, and always the one with the results', async () => {
        const spec = `version: 1
frontend: { artifacts: { baseDirectory: /, files: [index.html] } }
test:
  phases: { test: { commands: ['mkdir out; cd out; for i in {1..1005}; do echo > $i.png; done; echo {} > zz.json'] } }
  artifacts: { baseDirectory: out, configFilePath: '*.json', files: ['**/*.png'] }
`
        const { jobKey, job } = await run({ 'amplify.yml': spec, 'index.html': 'x' })
        expect(job.status).toBe('SUCCEED')
        expect((await findTestConfig(runs.database.queries, jobKey))?.fileName).toBe('zz.json')
        const kept = await listTestArtifacts(runs.database.queries, jobKey, { limit: 2000 })
        expect(kept.length).toBe(limits.testArtifactsMax + 1)
        expect(await runs.log(jobKey, 'TEST')).toContain('# 5 files are left out')
      })

      test('reads no file of the server through what it left', async () => {
        const spec = `version: 1
frontend: { artifacts: { baseDirectory: /, files: [index.html] } }
test:
  phases: { test: { commands: ['mkdir out; ln -s /etc/hostname out/shot.png'] } }
  artifacts: { baseDirectory: out, files: ['**/*.png'] }
`
        const { jobKey, job } = await run({ 'amplify.yml': spec, 'index.html': 'x' })
        expect(job.status).toBe('SUCCEED')
        expect(await artifactsOf(jobKey)).toEqual([])
        expect(await runs.log(jobKey, 'TEST')).toMatch(/No test artifacts are kept. The link .* leads out/)
      })
    })
  },
)
