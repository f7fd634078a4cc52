import { expect, test } from 'bun:test'

import type { AmplifyClient, Job } from '@aws-sdk/client-amplify'

import { failureOf, followJob } from './follow-job.ts'

/** A server whose log grows with each look at the job, and which answers ranges as ours does. */
async function follow(
  states: { status: string; log: string | undefined }[],
): Promise<{ printed: string; job: Job }> {
  let state = states[0]!
  let looks = 0
  using server = Bun.serve({
    port: 0,
    fetch(request) {
      if (state.log === undefined) return new Response('no log yet', { status: 404 })
      const from = Number(/bytes=(\d+)-/.exec(request.headers.get('range') ?? '')?.[1])
      const bytes = Buffer.from(state.log)
      if (from >= bytes.length) return new Response(null, { status: 416 })
      return new Response(bytes.subarray(from), { status: 206 })
    },
  })
  const client = {
    send: async () => {
      state = states[Math.min(looks, states.length - 1)]!
      looks += 1
      const steps = [{ stepName: 'BUILD', status: state.status, logUrl: `${server.url}log` }]
      return { job: { summary: { status: state.status }, steps } }
    },
  } as unknown as AmplifyClient
  let printed = ''
  const job = await followJob(
    client,
    { appId: 'd1', branchName: 'main', jobId: '1' },
    (text) => (printed += text),
  )
  return { printed, job }
}

test('a log is printed once, as it grows, to its end', async () => {
  const { printed, job } = await follow([
    { status: 'PROVISIONING', log: undefined },
    { status: 'RUNNING', log: 'one\n' },
    { status: 'RUNNING', log: 'one\n' },
    { status: 'SUCCEED', log: 'one\ntwo\n' },
  ])
  expect(printed).toBe('one\ntwo\n')
  expect(job.summary?.status).toBe('SUCCEED')
})

test('a character that is cut by a range is put together again', async () => {
  const whole = Buffer.from('größe')
  const { printed } = await follow([
    { status: 'RUNNING', log: 'gr' },
    { status: 'FAILED', log: whole.toString() },
  ])
  expect(printed).toBe('größe')
})

test('the reason of a failure is that of the step that failed', () => {
  const steps = [
    { stepName: 'BUILD', status: 'SUCCEED' },
    { stepName: 'DEPLOY', status: 'FAILED', statusReason: 'The archive holds a link' },
  ]
  expect(failureOf({ steps } as unknown as Job)).toBe('DEPLOY: The archive holds a link')
})
