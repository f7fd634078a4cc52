import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import {
  CreateAppCommand,
  CreateBranchCommand,
  type CustomRule,
  StartJobCommand,
} from '@aws-sdk/client-amplify'

import { followJob } from '../../src/cli/follow-job.ts'
import { containerSettings, openTestEngine, type TestEngine } from './container-engine.ts'
import { createFixtureRepository, type TestRepository } from './git-repository.ts'
import { startPreamp, type TestPreamp } from './preamp.ts'

/** A project of `test/fixtures/generators`, whose `amplify.yml` is as the generator's or Amplify's guide has it. */
export interface GeneratorCase {
  name: string
  /** Of a monorepo: the app that is built. */
  appRoot?: string
  /** What pages hold. */
  pages: Record<string, string>
  customRules?: CustomRule[]
  /** Looks at the site besides, at the address at which a browser finds it. */
  walk?: (origin: string) => Promise<void>
}

/** Docusaurus alone has 1,300 packages; the machine may be busy with other tests. */
const buildSecondsMax = 480

/** Has each project built by a job of a server with this executor, and looks at its pages. */
export function describeGenerators(
  executor: 'bubblewrap' | 'process' | 'docker',
  cases: GeneratorCase[],
): void {
  describe(`built by ${executor} and served`, () => {
    let preamp: TestPreamp
    const repositories: TestRepository[] = []
    beforeAll(async () => {
      const isContainer = executor === 'docker'
      const containers = isContainer ? containerSettings((await openTestEngine()) as TestEngine) : {}
      preamp = await startPreamp({ environment: { PREAMP_EXECUTOR: executor, ...containers } })
    })
    afterAll(async () => {
      await preamp?.stop()
      for (const repository of repositories) repository.remove()
    })

    /** @returns the host of the site */
    async function build({ name, appRoot, customRules }: GeneratorCase): Promise<string> {
      const { client } = preamp
      const repository = await createFixtureRepository(`generators/${name}`)
      repositories.push(repository)
      const environmentVariables = appRoot === undefined ? {} : { AMPLIFY_MONOREPO_APP_ROOT: appRoot }
      const created = await client.send(
        new CreateAppCommand({ name, repository: repository.url, environmentVariables, customRules }),
      )
      const { appId, defaultDomain } = created.app!
      const branch = { appId: appId!, branchName: 'main' }
      await client.send(new CreateBranchCommand(branch))
      const { jobSummary } = await client.send(new StartJobCommand({ ...branch, jobType: 'RELEASE' }))
      let log = ''
      const job = await followJob(client, { ...branch, jobId: jobSummary!.jobId! }, (text) => (log += text))
      expect(job.summary.status, log).toBe('SUCCEED')
      if (executor === 'docker') expect(log).toContain('# The Node of the image is used')
      return `main.${defaultDomain}`
    }

    test.each(cases.map((one) => [[one.name, one.appRoot].filter(Boolean).join(' '), one] as const))(
      '%s',
      async (_name, generator) => {
        const host = await build(generator)
        for (const [path, text] of Object.entries(generator.pages)) {
          const response = await fetch(`${preamp.sitesUrl}${path}`, { headers: { host } })
          expect({ path, status: response.status }).toEqual({ path, status: 200 })
          expect(await response.text()).toContain(text)
        }
        await generator.walk?.(`http://${host}`)
      },
      buildSecondsMax * 1000,
    )
  })
}
