import { z } from 'zod'

import { type StepName, stepNames } from '../../model/jobs.ts'
import { jobResource } from '../authorization.ts'
import { type LogPlace, type LogPlaces, readJobLog } from '../job-log.ts'
import { jobNotFound, ownJob } from '../look-up.ts'
import { parseInput } from '../validation.ts'
import type { EndpointCall, SignedEndpoint } from './endpoints.ts'
import { followJobLog } from './follow-log.ts'

const offset = z.string().regex(/^[0-9]{1,12}$/, 'Member must be a number of bytes')
const input = z.object({
  follow: z.enum(['', 'true', 'false']).optional(),
  step: z.enum(stepNames).optional(),
  offset: offset.optional(),
})

/**
 * The logs of a job, for whoever may call GetJob. A page is JSON: where it lies, its text, and as `next` where to go on,
 * which is absent at the end of a job that has ended. With `?follow=true` they come as they are written: see `follow-log.ts`.
 */
export const jobLog: SignedEndpoint = {
  method: 'GET',
  path: '/_preamp/apps/{appId}/branches/{branchName}/jobs/{jobId}/log',
  permission: (caller, members) => ({
    action: 'amplify:GetJob',
    ...jobResource(caller, addressOf(members)),
  }),
  async handle({ caller, services }, call) {
    const { query, members } = call
    const sent = Object.fromEntries([...query].map(([name, [value]]) => [name, value]))
    const { follow = 'false', ...asked } = parseInput(input, sent) as z.output<typeof input>
    const address = addressOf(members)
    const { job } = await ownJob(services.database.queries, caller, address)
    const { step = stepNames[0], offset: bytes = '0' } = asked
    const places: LogPlaces = { first: step, of: new Map([[step, { offset: Number(bytes) }]]) }
    if (follow !== 'false') return followJobLog(services, caller, job.jobKey, lastSeen(call) ?? places)
    const log = await readJobLog(services, job.jobKey, places)
    if (!log) throw jobNotFound(address.jobId)
    const { piece, status, isOver } = log
    const here = { step, offset: Number(bytes) }
    if (!piece) return { status, ...here, text: '', next: isOver ? undefined : here }
    return {
      status,
      step: piece.step,
      offset: piece.offset,
      text: piece.text,
      next: { step: piece.step, offset: piece.next.offset },
    }
  },
}

function addressOf(members: EndpointCall['members']) {
  return { appId: members['appId']!, branchName: members['branchName']!, jobId: members['jobId']! }
}

/** Where a client says that it stopped reading; what is no place of ours counts as none, as for any event stream. */
function lastSeen({ headers }: EndpointCall): LogPlaces | undefined {
  const id = headers.get('last-event-id')?.[0] ?? ''
  const places = new Map<StepName, LogPlace>()
  for (const part of id.split(',')) {
    const [, name, bytes] = /^([A-Z]+):([0-9]{1,12})$/.exec(part) ?? []
    const step = stepNames.find((each) => each === name)
    if (!step) return undefined
    places.set(step, { offset: Number(bytes) })
  }
  return { first: stepNames.find((name) => places.has(name))!, of: places }
}
