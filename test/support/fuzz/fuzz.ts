import pino from 'pino'

import { forEachConcurrently } from '../../../src/model/concurrently.ts'
import { startApi, type TestApi } from '../api.ts'
import { generate, type Sent } from './generate.ts'
import { newTenant, renewTenant, type Tenant } from './tenants.ts'
import { type Answer, exchange, type Reply } from './wire.ts'

export interface FuzzOptions {
  requests: number
  seed: number
  /** The number of the first request. */
  first?: number
}

export interface FuzzReport {
  /** What was found wrong, with the number of the request; nothing, if all is well. */
  findings: string[]
  /** How often each kind of answer came: a fuzzer that is always refused at the door tries nothing. */
  outcomes: Map<string, number>
}

const requestsAtOnce = 64
const answerSecondsMax = 20
const findingsMax = 20
/** Requests until the tenants' resources are made anew. */
const requestsPerRound = 500
/** So that a request that never ends is over soon; far longer than any answer takes. */
const patience = { headerMillisecondsMax: 1000, idleMillisecondsMax: 3000 }

/**
 * Sends requests that are wrong in many ways to a server with two accounts, and checks of every answer: it is no fault of
 * the server's, it comes in time, it has the form of the API's answers, and it shows nothing of the account that did not
 * ask. The server must go on serving.
 */
export async function fuzz({ requests, seed, first = 0 }: FuzzOptions): Promise<FuzzReport> {
  const faults: string[] = []
  const log = pino({ level: 'error' }, { write: (line) => void faults.push(line) })
  const api = await startApi({ log, patience })
  const findings: string[] = []
  const outcomes = new Map<string, number>()
  let tenants: readonly Tenant[] = await Promise.all([
    newTenant(api, '111111111111', 'connected'),
    newTenant(api, '222222222222', 'manual'),
  ])
  try {
    for (
      let begin = first;
      begin < first + requests && findings.length < findingsMax;
      begin += requestsPerRound
    ) {
      const numbers = Array.from(
        { length: Math.min(requestsPerRound, first + requests - begin) },
        (_each, at) => begin + at,
      )
      await forEachConcurrently(numbers, requestsAtOnce, async (number) => {
        const sent = await generate(seed, number, tenants)
        const reply = await exchange(api.port, sent.bytes, answerSecondsMax)
        for (const { status, headers } of reply.answers) {
          const outcome = `${status} ${headers.get('x-amzn-errortype') ?? ''}`.trimEnd()
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        }
        for (const problem of problemsOf(sent, reply, tenants)) {
          findings.push(`request ${number}: ${problem}\n${excerpt(sent.bytes)}`)
        }
      })
      if (faults.length > 0) findings.push(...faults.splice(0).map((line) => `logged: ${line}`))
      tenants = await stillServing(api, tenants)
    }
  } finally {
    await api.stop()
  }
  return { findings, outcomes }
}

function problemsOf({ reader, isProperHttp }: Sent, reply: Reply, tenants: readonly Tenant[]): string[] {
  const { answers, timedOut } = reply
  const foreign = tenants.filter((tenant) => tenant.marker !== reader?.marker)
  return [
    ...(timedOut ? [`no end within ${answerSecondsMax} seconds`] : []),
    ...(isProperHttp && answers.length === 0 ? ['no answer'] : []),
    ...answers.flatMap((answer) => [
      ...problemsOfForm(answer).map((problem) => `${problem} in the answer ${answer.text.slice(0, 500)}`),
      ...foreign
        .filter(({ marker }) => answer.text.includes(marker))
        .map(({ marker }) => `${marker} is shown to somebody else: ${answer.text.slice(0, 2000)}`),
    ]),
  ]
}

function problemsOfForm({ status, headers }: Answer): string[] {
  const errorType = headers.get('x-amzn-errortype')
  const isFault = !(status >= 200 && status < 500)
  // Who asks for a range that is not there is told its length, in HTTP's own words.
  const isError = status >= 400 && status !== 416
  return [
    ...(isFault ? ['a fault of the server'] : []),
    ...(headers.has('x-amzn-requestid') ? [] : ['no x-amzn-RequestId']),
    ...(isError && !errorType ? ['no x-amzn-ErrorType'] : []),
  ]
}

/** Both accounts still work, in all that making them anew asks for. */
async function stillServing(api: TestApi, tenants: readonly Tenant[]): Promise<Tenant[]> {
  return Promise.all(tenants.map((tenant) => renewTenant(api, tenant)))
}

function excerpt(bytes: Buffer): string {
  const text = JSON.stringify(bytes.toString('latin1'))
  return text.length > 1500 ? `${text.slice(0, 1500)}… (${bytes.length} bytes)` : text
}
