import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

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

/** A URL whose answer waits until the gate is open, for builds that are to be met at work. */
interface Gate {
  url: URL
  /** Resolves when somebody waits. */
  reached: Promise<void>
  open(): void
  stop(): Promise<void>
}

function startGate(): Gate {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    development: false,
    async fetch() {
      reached.resolve()
      await opened.promise
      return new Response('open')
    },
  })
  return {
    url: server.url,
    reached: reached.promise,
    open: () => opened.resolve(),
    stop: () => server.stop(true),
  }
}

const specWaitingFor = (url: string) =>
  `version: 1\nfrontend:\n  phases: { build: { commands: ['curl --silent --fail ${url}'] } }\n  artifacts: { baseDirectory: ., files: [index.html] }\n`

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
  let gate: Gate
  beforeAll(async () => {
    preamp = await startPreamp()
    gate = startGate()
    repository = await createGitRepository({ 'index.html': 'first' })
  })
  afterAll(async () => {
    gate?.open()
    await gate?.stop()
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
    repository.commit({ 'index.html': 'second', 'amplify.yml': specWaitingFor(gate.url.href) })
    expect(await callHook()).toBe('2')
    await gate.reached
    expect(await callHook()).toBe('3')
    expect(await callHook()).toBe('3')
    repository.commit({ 'index.html': 'third' })
    gate.open()
    await succeeds('2')
    await succeeds('3')
    expect(await (await visit()).text()).toBe('third')
  }, 120_000)
})
