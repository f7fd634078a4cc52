import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { CreateAppCommand, CreateBranchCommand, StartJobCommand } from '@aws-sdk/client-amplify'

import { followJob } from '../../src/cli/follow-job.ts'
import {
  closeTestEngine,
  openTestEngine,
  requiresContainers,
  type TestEngine,
  testImage,
} from '../support/container-engine.ts'
import { createFixtureRepository, type TestRepository } from '../support/git-repository.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { requires, requiresRegistry } from '../support/requires.ts'

/** A project of `test/fixtures/generators`, whose `amplify.yml` is as the generator's or Amplify's guide has it. */
interface GeneratorCase {
  name: string
  there?: boolean
  /** Of a monorepo: the app that is built. */
  appRoot?: string
  /** Built by the first executor alone, as it takes long and says nothing more with the others. */
  once?: boolean
  /** What pages hold. */
  pages: Record<string, string>
}

const cases: GeneratorCase[] = [
  { name: 'hugo', there: requires('hugo'), pages: { '/sparrow/': '<strong>roof tiles</strong>' } },
  { name: 'vite', pages: { '/': 'Birds of the garden' } },
  {
    name: 'eleventy',
    pages: { '/': '<strong>Eleventy</strong> on main', '/house-sparrow/': '<h1>House sparrow</h1>' },
  },
  { name: 'pnpm-monorepo', appRoot: 'apps/garden', pages: { '/': 'Birds of the garden' } },
  { name: 'pnpm-monorepo', appRoot: 'apps/forest', pages: { '/': 'Birds of the forest' } },
  { name: 'turborepo', appRoot: 'apps/garden', once: true, pages: { '/': 'Birds of the garden' } },
  { name: 'nextjs', once: true, pages: { '/': 'Birds of the garden', '/sparrow': 'House sparrow' } },
  {
    name: 'docusaurus',
    once: true,
    pages: { '/': 'Birds of the garden', '/sparrow': 'House sparrow' },
  },
]

const executors = [
  ['bubblewrap', requires('bwrap')],
  ['process', true],
  ['docker', await requiresContainers()],
] as const
/** What containers build: the others say nothing more with them, and take long. */
const inContainers = ['eleventy']
afterAll(closeTestEngine)
const available = executors.filter(([, there]) => there).map(([name]) => name)

/** Docusaurus alone has 1,300 packages; the machine may be busy with other tests. */
const buildSecondsMax = 480
const online = requires('git') && (await requiresRegistry())

describe.if(online).each(available)('built by %s and served', (executor) => {
  let preamp: TestPreamp
  const repositories: TestRepository[] = []
  beforeAll(async () => {
    const engine = executor === 'docker' ? ((await openTestEngine()) as TestEngine) : undefined
    preamp = await startPreamp({
      environment: {
        PREAMP_EXECUTOR: executor,
        ...(engine && { ...engine.environment, PREAMP_DOCKER_COMMAND: engine.engine.command }),
        PREAMP_BUILD_IMAGE: testImage,
      },
    })
  })
  afterAll(async () => {
    await preamp?.stop()
    for (const repository of repositories) repository.remove()
  })

  async function build({ name, appRoot }: GeneratorCase) {
    const { client } = preamp
    const repository = await createFixtureRepository(`generators/${name}`)
    repositories.push(repository)
    const environmentVariables = appRoot === undefined ? {} : { AMPLIFY_MONOREPO_APP_ROOT: appRoot }
    const created = await client.send(
      new CreateAppCommand({ name, repository: repository.url, environmentVariables }),
    )
    const { appId, defaultDomain } = created.app!
    const branch = { appId: appId!, branchName: 'main' }
    await client.send(new CreateBranchCommand(branch))
    const { jobSummary } = await client.send(new StartJobCommand({ ...branch, jobType: 'RELEASE' }))
    let log = ''
    const job = await followJob(client, { ...branch, jobId: jobSummary!.jobId! }, (text) => (log += text))
    expect(job.summary.status, log).toBe('SUCCEED')
    if (executor === 'docker') expect(log).toContain('# The Node of the image is used')
    return (path: string) =>
      fetch(`${preamp.sitesUrl}${path}`, { headers: { host: `main.${defaultDomain}` } })
  }

  const here = cases.filter(
    ({ name, there = true, once }) =>
      there && (!once || executor === available[0]) && (executor !== 'docker' || inContainers.includes(name)),
  )
  test.each(here.map((one) => [[one.name, one.appRoot].filter(Boolean).join(' '), one] as const))(
    '%s',
    async (_name, generator) => {
      const page = await build(generator)
      for (const [path, text] of Object.entries(generator.pages)) {
        const response = await page(path)
        expect({ path, status: response.status }).toEqual({ path, status: 200 })
        expect(await response.text()).toContain(text)
      }
    },
    buildSecondsMax * 1000,
  )
})
