import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import {
  CreateAppCommand,
  CreateBranchCommand,
  CreateWebhookCommand,
  GetJobCommand,
} from '@aws-sdk/client-amplify'

import { createGitRepository, type TestRepository } from '../support/git-repository.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { requires } from '../support/requires.ts'
import { waitFor } from '../support/wait-for.ts'

const specOf = (...commands: string[]) =>
  JSON.stringify({
    version: 1,
    frontend: {
      phases: { build: { commands } },
      artifacts: { baseDirectory: '.', files: ['index.html'] },
    },
  })
/** Says that its build is at work, and then waits until the gate is opened: both by files beside the sources. */
const waitAtGate = 'touch reached; until test -e open; do sleep 0.1; done'

/** Waits for such a build, and gives what opens its gate. */
async function meetAtGate(dataDir: string): Promise<() => void> {
  const reached = new Bun.Glob('work/*/build/*/reached')
  const [path] = await waitFor('a build at the gate', 60, () => {
    const found = [...reached.scanSync(dataDir)]
    return found.length > 0 && found
  })
  return () => writeFileSync(join(dataDir, dirname(path!), 'open'), '')
}

/** Posts to the URL as build hooks are called, and gives the number of the job. */
async function postByCurl(url: string): Promise<string> {
  const args = ['--silent', '--show-error', '--fail-with-body', '--data', '{}']
  const child = Bun.spawn(['curl', ...args, '--header', 'Content-Type: application/json', url])
  const answer = await child.stdout.text()
  if ((await child.exited) !== 0) throw new Error(`curl failed: ${answer}`)
  return (JSON.parse(answer) as { jobSummary: { jobId: string } }).jobSummary.jobId
}

describe.if(requires('git', 'curl'))('an incoming webhook', () => {
  let preamp: TestPreamp
  let repository: TestRepository
  beforeAll(async () => {
    preamp = await startPreamp()
    repository = await createGitRepository({ 'index.html': 'first' })
  })
  afterAll(async () => {
    repository?.remove()
    await preamp?.stop()
  })

  test('called with curl as people do it builds the head, also while a build runs, and the site shows it', async () => {
    const { client } = preamp
    const { app } = await client.send(new CreateAppCommand({ name: 'hooked', repository: repository.url }))
    const branch = { appId: app!.appId!, branchName: 'main' }
    await client.send(new CreateBranchCommand(branch))
    const { webhook } = await client.send(new CreateWebhookCommand(branch))
    const callHook = () => postByCurl(`${webhook!.webhookUrl}&operation=startbuild`)
    const visit = () => fetch(preamp.sitesUrl, { headers: { host: `main.${app!.defaultDomain}` } })
    const succeeds = (jobId: string) =>
      waitFor(`job ${jobId} to succeed`, 60, async () => {
        const { job } = await client.send(new GetJobCommand({ ...branch, jobId }))
        expect(job!.summary!.status).not.toMatch(/FAILED|CANCELLED/)
        return job!.summary!.status === 'SUCCEED' && job!.summary
      })

    expect(await callHook()).toBe('1')
    expect(await succeeds('1')).toMatchObject({ jobType: 'WEB_HOOK', commitMessage: 'Begin the site' })
    expect(await (await visit()).text()).toBe('first')

    // What is called for while a build runs waits behind it, and builds what is the head by then.
    repository.commit({ 'index.html': 'second', 'amplify.yml': specOf(waitAtGate) })
    expect(await callHook()).toBe('2')
    const openGate = await meetAtGate(preamp.dataDir)
    expect(await callHook()).toBe('3')
    expect(await callHook()).toBe('3')
    repository.commit({ 'index.html': 'third', 'amplify.yml': specOf() })
    openGate()
    await succeeds('2')
    await succeeds('3')
    expect(await (await visit()).text()).toBe('third')
  }, 120_000)
})
