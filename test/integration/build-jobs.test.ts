import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { limits } from '../../src/model/limits.ts'
import type { Manifest } from '../../src/model/manifest.ts'
import { deleteApp } from '../../src/store/apps.ts'
import { findBranchById } from '../../src/store/branches.ts'
import { findDeploymentOfJob } from '../../src/store/deployments.ts'
import { changeJob } from '../../src/store/jobs.ts'
import { insertUploads, recordUpload } from '../../src/store/uploads.ts'
import { createGitRepository, createSiteRepository, type TestRepository } from '../support/git-repository.ts'
import { hangingProcesses, type JobRuns, openJobRuns } from '../support/job-runs.ts'
import { requires } from '../support/requires.ts'
import { waitFor } from '../support/wait-for.ts'

const repositories: TestRepository[] = []
afterAll(() => {
  for (const repository of repositories) repository.remove()
})

async function site(name: string): Promise<TestRepository> {
  const repository = await createSiteRepository(name)
  repositories.push(repository)
  return repository
}

/** A spec whose site says the text. */
const specSaying = (text: string) =>
  `version: 1\nfrontend:\n  phases: { build: { commands: ['mkdir out; echo ${text} > out/index.html'] } }\n  artifacts: { baseDirectory: out }\n`

const textOf = (log: string) => log.replace(/^\S+ /gm, '').replace(/^ +/gm, '').trimEnd().split('\n')

const executors = [
  ['process', true],
  ['bubblewrap', requires('bwrap')],
] as const

describe.each(executors.filter(([, there]) => there).map(([name]) => name))(
  'a job built by %s',
  (executor) => {
    let runs: JobRuns
    let timeoutMilliseconds = 60_000
    let diskFreeBytesMin = 0
    let visit: (() => Promise<{ status: number }>) | undefined
    let onSitesChanged: (() => Promise<void>) | undefined

    beforeAll(async () => {
      runs = await openJobRuns({
        executor,
        runner: {
          buildTimeoutMilliseconds: () => timeoutMilliseconds,
          diskFreeBytesMin: () => diskFreeBytesMin,
          visit: async () => (await visit?.()) ?? { status: 200 },
          sitesChanged: async () => onSitesChanged?.(),
        },
      })
    })
    afterAll(() => runs.close())
    afterEach(() => {
      timeoutMilliseconds = 60_000
      diskFreeBytesMin = 0
      visit = undefined
      onSitesChanged = undefined
    })

    test('goes live as its amplify.yml says', async () => {
      const repository = await site('builds')
      const branchId = await runs.addApp(
        { repository: repository.url, environmentVariables: { GREETING: 'from the app' } },
        { branch: { environmentVariables: { GREETING: 'from the branch' } } },
      )
      const jobKey = await runs.start(branchId)
      const job = await runs.finish(jobKey)
      expect(job).toMatchObject({
        status: 'SUCCEED',
        statusReason: null,
        commitId: repository.git('rev-parse', 'HEAD'),
        commitMessage: 'Add builds',
        leaseOwner: null,
      })
      const files = await runs.liveFiles(branchId)
      const branch = await findBranchById(runs.database.queries, branchId)
      expect(files).toEqual({
        'index.html': '<h1>from the branch</h1>\n',
        'assets/site.css': 'body {}\n',
        '.well-known/hidden': 'hidden\n',
        'variables.txt': [
          `AWS_AMPLIFY_DEPLOYMENT_ID=${job.deploymentId}`,
          `AWS_APP_ID=${branch?.appId}`,
          'AWS_BRANCH=main',
          `AWS_BRANCH_ARN=arn:aws:amplify:us-east-1:000000000000:apps/${branch?.appId}/branches/main`,
          `AWS_CLONE_URL=${repository.url}`,
          'AWS_COMMIT_ID=HEAD',
          'AWS_DEFAULT_REGION=us-east-1',
          'AWS_JOB_ID=0000000001',
          'AWS_REGION=us-east-1\n',
        ].join('\n'),
      })
      expect(await runs.steps(jobKey)).toMatchObject([
        { name: 'BUILD', status: 'SUCCEED', context: executor, endedAt: expect.any(Number) },
        { name: 'DEPLOY', status: 'SUCCEED', endedAt: expect.any(Number) },
        { name: 'VERIFY', status: 'SUCCEED', endedAt: expect.any(Number) },
      ])
      await waitFor('the work folder to be removed', 5, () => !existsSync(join(runs.workRoot, jobKey)))
    })

    test('has no network where the app is to have none, or fails with the reason', async () => {
      const repository = await site('builds')
      const branchId = await runs.addApp({ repository: repository.url })
      await runs.database.queries
        .updateTable('apps')
        .set({ options: JSON.stringify({ network: false }) as never })
        .execute()
      const jobKey = await runs.start(branchId)
      const job = await runs.finish(jobKey)
      expect(await runs.log(jobKey, 'BUILD')).not.toContain('shares the network')
      if (executor === 'bubblewrap') expect(job.status).toBe('SUCCEED')
      else
        expect(job).toMatchObject({
          status: 'FAILED',
          statusReason: expect.stringContaining('without a network'),
        })
    })

    test('has the limits of the compute type of its app', async () => {
      const { url } = await site('builds')
      const jobConfig = { buildComputeType: 'LARGE_16GB' } as const
      const jobKey = await runs.start(await runs.addApp({ repository: url, jobConfig }))
      await runs.finish(jobKey)
      expect(await runs.log(jobKey, 'BUILD')).toContain('Large build compute type: 2GiB Memory, 2vCPUs')
    })

    test('keeps a log in the words and the order of Amplify', async () => {
      const repository = await site('builds')
      const jobKey = await runs.start(await runs.addApp({ repository: repository.url }))
      await runs.finish(jobKey)
      expect(textOf(await runs.log(jobKey, 'BUILD'))).toEqual([
        '[INFO]: # Build environment configured with Standard build compute type: 1GiB Memory, 2vCPUs, 1GB Disk Space',
        ...(runs.executor.sharesNetwork
          ? [expect.stringMatching(/^\[WARNING\]: # The build shares the network of its machine/)]
          : []),
        `[INFO]: # Cloning repository: ${repository.url}`,
        "[INFO]: Cloning into 'builds'...",
        '[INFO]: # Checking for Git submodules at: builds/.gitmodules',
        '[INFO]: Successfully cleaned up Git credentials',
        '[INFO]: # Retrieving environment cache...',
        '[INFO]: ---- Setting Up SSM Secrets ----',
        '[INFO]: # No secrets are set for this app and branch.',
        expect.stringMatching(/^\[INFO\]: # Node \S+ of this machine is used \(the default\)\.$/),
        '[INFO]: ## Starting Backend Build',
        '[INFO]: ## Checking for associated backend environment...',
        '[INFO]: ## No backend environment association found, continuing...',
        '[INFO]: ## Completed Backend Build',
        '[INFO]: {"backendDuration":0}',
        '[INFO]: ## Starting Frontend Build',
        '[INFO]: # Starting phase: preBuild',
        '[INFO]: # Executing command: cd web',
        '[INFO]: # Executing command: export SHARED=shared',
        '[INFO]: # Executing command: say() { echo "said $1"; }',
        '[INFO]: # Completed phase: preBuild',
        '[INFO]: # Starting phase: build',
        '[INFO]: # Executing command: mkdir -p dist/assets dist/.well-known',
        '[INFO]: # Executing command: say "$SHARED in $(basename "$PWD")"',
        '[INFO]: said shared in web',
        '[INFO]: # Executing command: # a comment is a command that succeeds',
        '[INFO]: # Executing command: echo "<h1>$GREETING</h1>" > dist/index.html',
        "env | grep '^AWS_' | sort > dist/variables.txt",
        "[INFO]: # Executing command: echo 'body {}' > dist/assets/site.css",
        '[INFO]: # Executing command: echo hidden > dist/.well-known/hidden',
        '[INFO]: # Executing command: echo map > dist/assets/site.css.map',
        '[INFO]: # Executing command: echo to stderr >&2',
        '[WARNING]: to stderr',
        '[INFO]: # Completed phase: build',
        '[INFO]: # Starting phase: postBuild',
        '[INFO]: # Executing command: echo after',
        '[INFO]: after',
        '[INFO]: # Completed phase: postBuild',
        '[INFO]: ## Completed Frontend Build',
        '[INFO]: ## Build completed successfully',
        '[INFO]: # Starting environment caching...',
        '[INFO]: # Environment caching completed',
        "[INFO]: Uploading build artifact '__artifacts.zip'",
        '[INFO]: Build artifact upload completed',
        '[INFO]: Terminating logging...',
      ])
      expect(await runs.log(jobKey, 'DEPLOY')).toMatch(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d \[INFO\]: Beginning deployment for application d\w+, branch:main, buildId 0000000001\n/,
      )
    })

    test('of a plain site publishes the repository, without what is only for hosting', async () => {
      const repository = await site('plain')
      const branchId = await runs.addApp({ repository: repository.url })
      const jobKey = await runs.start(branchId)
      await runs.finish(jobKey)
      expect(Object.keys((await runs.liveFiles(branchId))!).toSorted()).toEqual([
        '.well-known/security.txt',
        'index.html',
      ])
    })

    test('takes the spec of the branch before that of the app, and the file before both', async () => {
      const repository = await site('plain')
      const settings = { repository: repository.url, buildSpec: specSaying('app') }
      const ofApp = await runs.addApp(settings)
      const ofBranch = await runs.addApp(settings, { branch: { buildSpec: specSaying('branch') } })
      await runs.finish(await runs.start(ofApp))
      await runs.finish(await runs.start(ofBranch))
      expect(await runs.liveFiles(ofApp)).toEqual({ 'index.html': 'app\n' })
      expect(await runs.liveFiles(ofBranch)).toEqual({ 'index.html': 'branch\n' })
      repository.commit({ 'amplify.yml': specSaying('file') })
      await runs.finish(await runs.start(ofBranch))
      expect(await runs.liveFiles(ofBranch)).toEqual({ 'index.html': 'file\n' })
    })

    test('rebuilds a recorded commit', async () => {
      const repository = await createGitRepository({ 'index.html': 'old' })
      repositories.push(repository)
      const old = repository.git('rev-parse', 'HEAD')
      repository.commit({ 'index.html': 'new' })
      const branchId = await runs.addApp({ repository: repository.url })
      await runs.finish(await runs.start(branchId))
      expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': 'new' })
      const retry = await runs.start(branchId, { type: 'RETRY', commitId: old })
      expect((await runs.finish(retry)).commitId).toBe(old)
      expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': 'old' })
    })

    test('that fails says how without what a terminal would obey, and without a secret that is cut in two', async () => {
      const repository = await site('plain')
      const escape = String.fromCodePoint(27)
      const command = `false # ${escape}]0;title${escape}[2J ${'x'.repeat(limits.statusReasonCharactersMax - 50)} secret-of-the-app`
      const artifacts = { baseDirectory: 'out' }
      const spec = { version: '1', frontend: { phases: { build: { commands: [command] } }, artifacts } }
      const secrets = { accessToken: 'secret-of-the-app' }
      const buildSpec = JSON.stringify(spec)
      repository.commit({ 'amplify.yml': buildSpec })
      const job = await runs.finish(
        await runs.start(await runs.addApp({ repository: repository.url }, { secrets })),
      )
      expect(job.statusReason).toStartWith('The command ended with status 1: false # ]0;title[2J xxx')
      expect(job.statusReason).not.toContain('secret')
      expect(job.statusReason!.length).toBeLessThanOrEqual(limits.statusReasonCharactersMax + 1)
    })

    test('that fails says how, and leaves the live site as it was', async () => {
      const repository = await site('plain')
      const branchId = await runs.addApp({ repository: repository.url })
      await runs.finish(await runs.start(branchId))
      repository.commit({
        'amplify.yml': readFileSync(
          join(import.meta.dir, '../fixtures/sites/build-fails/amplify.yml'),
          'utf8',
        ),
      })
      const jobKey = await runs.start(branchId)
      expect(await runs.finish(jobKey)).toMatchObject({
        status: 'FAILED',
        statusReason: 'The command ended with status 3: (exit 3)',
      })
      const log = await runs.log(jobKey, 'BUILD')
      expect(textOf(log).slice(-2)).toEqual([
        '[ERROR]: !!! Build failed',
        '[ERROR]: !!! Non-Zero Exit Code detected',
      ])
      expect(log).not.toContain('Executing command: echo never')
      expect(await runs.steps(jobKey)).toMatchObject([
        { name: 'BUILD', status: 'FAILED', endedAt: expect.any(Number) },
      ])
      expect(Object.keys((await runs.liveFiles(branchId))!)).toContain('index.html')
    })

    test('without its output folder fails in the words of Amplify', async () => {
      const repository = await site('missing-output')
      const jobKey = await runs.start(await runs.addApp({ repository: repository.url }))
      expect(await runs.finish(jobKey)).toMatchObject({
        status: 'FAILED',
        statusReason: "Artifact directory doesn't exist: dist",
      })
      expect(await runs.log(jobKey, 'BUILD')).toContain(
        "[ERROR]: !!! CustomerError: Artifact directory doesn't exist: dist\n",
      )
    })

    test.each([
      [
        { 'amplify.yml': 'version: 1\nversion: 1\n' },
        /Unable to parse build spec: duplicated mapping key \(2:1\)/,
      ],
      [{ 'amplify.yml': 'x'.repeat(300_000) }, /amplify.yml is longer than 262144 bytes/],
    ])('with a broken spec fails %#', async (files, words) => {
      const repository = await createGitRepository(files)
      repositories.push(repository)
      const jobKey = await runs.start(await runs.addApp({ repository: repository.url }))
      expect((await runs.finish(jobKey)).statusReason).toMatch(words)
    })

    test('reads no file of the server through a link called amplify.yml', async () => {
      const repository = await createGitRepository({ 'index.html': 'x' })
      repositories.push(repository)
      Bun.spawnSync(['ln', '-s', '/etc/passwd', join(repository.folder, 'amplify.yml')])
      repository.commit({})
      const jobKey = await runs.start(await runs.addApp({ repository: repository.url }))
      expect((await runs.finish(jobKey)).statusReason).toMatch(/amplify.yml is a link/)
      expect(await runs.log(jobKey, 'BUILD')).not.toContain('root:')
    })

    test('cannot put a folder of the server in the place of its own', async () => {
      const commands = `['cd ..; mv site gone; ln -s / site']`
      const spec = `version: 1\nfrontend:\n  phases: { build: { commands: ${commands} } }\n  artifacts: { baseDirectory: etc, files: [hostname] }\n`
      const repository = await createGitRepository({ 'amplify.yml': spec }, 'site')
      repositories.push(repository)
      const branchId = await runs.addApp({ repository: repository.url })
      expect((await runs.finish(await runs.start(branchId))).statusReason).toMatch(
        /put something else in its place/,
      )
      expect(await runs.liveFiles(branchId)).toBeUndefined()
    })

    test('whose repository is not there names it', async () => {
      const jobKey = await runs.start(await runs.addApp({ repository: '/nowhere/site' }))
      expect((await runs.finish(jobKey)).statusReason).toMatch(
        /Cannot check out branch main of file:\/\/\/nowhere\/site: /,
      )
      const none = await runs.start(await runs.addApp({}))
      expect((await runs.finish(none)).statusReason).toMatch(/The app has no repository/)
    })

    test('has its secrets masked', async () => {
      const repository = await site('prints-secret')
      const basicAuthCredentials = Buffer.from('ada:correct horse').toString('base64')
      const branchId = await runs.addApp(
        { repository: repository.url },
        { secrets: { accessToken: 'token-12345678', basicAuthCredentials } },
      )
      const jobKey = await runs.start(branchId)
      expect((await runs.finish(jobKey)).status).toBe('SUCCEED')
      const output = textOf(await runs.log(jobKey, 'BUILD')).filter((line) => !line.includes('Executing'))
      // In two entries: what had waited for the rest of its line was shown.
      expect(output.join('\n')).toContain('[INFO]: the token is \n[INFO]: ******\n')
      expect(output).toContain('[WARNING]: password ******')
    })

    test('runs the next command although one read stdin', async () => {
      const branchId = await runs.addApp({ repository: (await site('reads-stdin')).url })
      await runs.finish(await runs.start(branchId))
      expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': '0\n' })
    })

    test('that hangs can be read and is stopped with its whole process tree', async () => {
      const branchId = await runs.addApp({ repository: (await site('hangs')).url })
      const jobKey = await runs.start(branchId)
      await waitFor(
        'the log of the running build',
        20,
        async () =>
          (await runs.job(jobKey))?.status === 'RUNNING' &&
          existsSync(join(runs.workRoot, jobKey, 'BUILD.log')) &&
          (await runs.log(jobKey, 'BUILD')).includes('[INFO]: hanging'),
      )
      await waitFor('its processes', 5, () => hangingProcesses().length >= 2)
      await runs.stop(jobKey)
      expect((await runs.finish(jobKey)).status).toBe('CANCELLED')
      expect(hangingProcesses()).toEqual([])
      expect(await runs.steps(jobKey)).toMatchObject([
        { name: 'BUILD', status: 'CANCELLED', endedAt: expect.any(Number) },
      ])
      expect(await runs.log(jobKey, 'BUILD')).toContain('The job was stopped')
    })

    test('that takes too long is ended', async () => {
      timeoutMilliseconds = 300
      const jobKey = await runs.start(await runs.addApp({ repository: (await site('hangs')).url }))
      const job = await runs.finish(jobKey)
      expect(job.status).toBe('FAILED')
      expect(job.statusReason).toMatch(/took longer than/)
      expect(hangingProcesses()).toEqual([])
    })

    test('ends when the disk is nearly full, and leaves nothing on it', async () => {
      const jobKey = await runs.start(await runs.addApp({ repository: (await site('hangs')).url }))
      await waitFor('its processes', 20, () => hangingProcesses().length >= 2)
      diskFreeBytesMin = Infinity
      const job = await runs.finish(jobKey)
      expect(job.status).toBe('FAILED')
      expect(job.statusReason).toMatch(/disk is nearly full/)
      expect(hangingProcesses()).toEqual([])
      await waitFor('its folder to go', 20, () => !existsSync(join(runs.workRoot, jobKey)))
    })

    test('whose app is deleted stops', async () => {
      const branchId = await runs.addApp({ repository: (await site('hangs')).url })
      const branch = await findBranchById(runs.database.queries, branchId)
      const jobKey = await runs.start(branchId)
      await waitFor('its processes', 20, () => hangingProcesses().length >= 2)
      await deleteApp(runs.database.queries, branch!.appId)
      runs.worker.wake()
      await waitFor('its processes to be gone', 5, () => hangingProcesses().length === 0)
      await waitFor('its folder to be removed', 5, () => !existsSync(join(runs.workRoot, jobKey)))
    })

    test('that the edge cannot serve is taken back', async () => {
      const repository = await site('plain')
      const branchId = await runs.addApp({ repository: repository.url })
      await runs.finish(await runs.start(branchId))
      const before = await findBranchById(runs.database.queries, branchId)
      visit = async () => ({ status: 503 })
      const jobKey = await runs.start(branchId)
      const job = await runs.finish(jobKey)
      expect(job.status).toBe('FAILED')
      expect(job.statusReason).toMatch(/answers with status 503.* What was live before is live again/)
      expect((await findBranchById(runs.database.queries, branchId))?.activeDeploymentId).toBe(
        before!.activeDeploymentId,
      )
      expect(await runs.steps(jobKey)).toMatchObject([
        { name: 'BUILD', status: 'SUCCEED' },
        { name: 'DEPLOY', status: 'SUCCEED' },
        { name: 'VERIFY', status: 'FAILED' },
      ])
    }, 20_000)

    test('that is stopped once it is live succeeds all the same', async () => {
      const branchId = await runs.addApp({ repository: (await site('plain')).url })
      let jobKey: string | undefined
      onSitesChanged = async () => {
        if (jobKey) await changeJob(runs.database.queries, jobKey, ['RUNNING'], { status: 'CANCELLING' })
        runs.worker.wake()
      }
      jobKey = await runs.start(branchId)
      expect((await runs.finish(jobKey)).status).toBe('SUCCEED')
      expect(await runs.liveFiles(branchId)).toBeDefined()
    })
  },
)

describe('a manual deployment', () => {
  let runs: JobRuns
  beforeAll(async () => {
    runs = await openJobRuns({ executor: 'process' })
  })
  afterAll(() => runs.close())

  async function created(
    uploads: { name: string; content?: string }[],
  ): Promise<[branchId: string, jobKey: string]> {
    const branchId = await runs.addApp({})
    const jobKey = await runs.start(branchId, { type: 'MANUAL', status: 'CREATED' })
    await insertUploads(
      runs.database.queries,
      uploads.map(({ name }) => ({ jobKey, name, md5: null, sha: null, bytes: null })),
    )
    for (const { name, content } of uploads) {
      if (content === undefined) continue
      const { sha, size } = await runs.blobs.put(content)
      await recordUpload(runs.database.queries, jobKey, name, { sha, bytes: size })
    }
    await changeJob(runs.database.queries, jobKey, ['CREATED'], { status: 'PENDING' })
    runs.worker.wake()
    return [branchId, jobKey]
  }

  test('of files has the steps DEPLOY and VERIFY', async () => {
    const [branchId, jobKey] = await created([
      { name: 'index.html', content: 'hello' },
      { name: 'a/b.txt', content: 'b' },
    ])
    expect((await runs.finish(jobKey)).status).toBe('SUCCEED')
    expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': 'hello', 'a/b.txt': 'b' })
    expect((await runs.steps(jobKey)).map(({ name }) => name)).toEqual(['DEPLOY', 'VERIFY'])
  })

  test('without its upload, or with bytes that are no zip, fails with the reason', async () => {
    const [, missing] = await created([{ name: '' }])
    expect((await runs.finish(missing)).statusReason).toMatch(/No zip was uploaded/)
    const [branchId, broken] = await created([{ name: '', content: 'not a zip' }])
    const job = await runs.finish(broken)
    expect(job.status).toBe('FAILED')
    expect((await runs.steps(broken))[0]).toMatchObject({
      name: 'DEPLOY',
      status: 'FAILED',
      statusReason: job.statusReason,
    })
    expect(await runs.liveFiles(branchId)).toBeUndefined()
  })

  test('keeps the headers of its customHttp.yml, which visitors do not get', async () => {
    const headers = 'customHeaders: [{ pattern: "**", headers: [{ key: X-From, value: upload }] }]'
    const page = { name: 'index.html', content: 'hello' }
    const [branchId, jobKey] = await created([page, { name: 'customHttp.yml', content: headers }])
    expect((await runs.finish(jobKey)).status).toBe('SUCCEED')
    expect(await runs.liveFiles(branchId)).toEqual({ 'index.html': 'hello' })
    const { manifestSha } = (await findDeploymentOfJob(runs.database.queries, jobKey))!
    const { customHeaders } = JSON.parse(await runs.blobs.open(manifestSha).text()) as Manifest
    expect(customHeaders).toEqual([{ pattern: '**', headers: [{ key: 'X-From', value: 'upload' }] }])

    const [, broken] = await created([page, { name: 'customHttp.yml', content: 'customHeaders: [{' }])
    expect(await runs.finish(broken)).toMatchObject({
      status: 'FAILED',
      statusReason: expect.stringContaining('Unable to parse customHttp.yml'),
    })
  })

  test('from a source that cannot be reached fails with the reason', async () => {
    const jobKey = await runs.start(await runs.addApp({}), {
      type: 'MANUAL',
      sourceUrl: 'http://169.254.169.254/latest.zip',
      sourceUrlType: 'ZIP',
    })
    expect((await runs.finish(jobKey)).statusReason).toMatch(/link-local, metadata/)
  })

  test('warns where the site has no index.html', async () => {
    const [, jobKey] = await created([{ name: 'readme.txt', content: 'hello' }])
    expect((await runs.finish(jobKey)).status).toBe('SUCCEED')
    expect(await runs.log(jobKey, 'DEPLOY')).toMatch(/\[WARNING\]: There is no index.html/)
  })
})
