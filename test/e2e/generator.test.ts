import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { CreateAppCommand, CreateBranchCommand, StartJobCommand } from '@aws-sdk/client-amplify'

import { followJob } from '../../src/cli/follow-job.ts'
import { createSiteRepository, type TestRepository } from '../support/git-repository.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { requires, requiresRegistry } from '../support/requires.ts'

describe.if(requires('git') && (await requiresRegistry()))(
  'a site of Eleventy, installed from the npm registry',
  () => {
    let preamp: TestPreamp
    let repository: TestRepository
    beforeAll(async () => {
      repository = await createSiteRepository('eleventy')
      preamp = await startPreamp()
    })
    afterAll(async () => {
      await preamp?.stop()
      repository?.remove()
    })

    test('is built by its amplify.yml and served', async () => {
      const { client } = preamp
      const { app } = await client.send(new CreateAppCommand({ name: 'birds', repository: repository.url }))
      const appId = app!.appId!
      const branchName = 'main'
      await client.send(new CreateBranchCommand({ appId, branchName }))
      const { jobSummary } = await client.send(new StartJobCommand({ appId, branchName, jobType: 'RELEASE' }))

      let log = ''
      const job = await followJob(
        client,
        { appId, branchName, jobId: jobSummary!.jobId! },
        (text) => (log += text),
      )
      expect(job.summary.status, log).toBe('SUCCEED')
      expect(log).toContain('[11ty] Copied 1 Wrote 4 files')

      const page = (path: string) =>
        fetch(`${preamp.sitesUrl}${path}`, { headers: { host: `main.${app!.defaultDomain}` } })
      expect(await (await page('/')).text()).toContain('<strong>Eleventy</strong> on main')
      expect(await (await page('/house-sparrow/')).text()).toContain('<h1>House sparrow</h1>')
      expect((await page('/site.css')).headers.get('content-type')).toStartWith('text/css')
    }, 180_000)
  },
)
