import { z } from 'zod'

import { type AccessLogNews, type AccessLogPlaces, AccessLogTail } from '../../deploy/follow-access-log.ts'
import { hostOfLine } from '../../model/access-log.ts'
import { limits } from '../../model/limits.ts'
import { requireAccessLogs } from '../access-logs.ts'
import { appResource } from '../authorization.ts'
import type { Services } from '../context.ts'
import { ownApp, ownBranch } from '../look-up.ts'
import * as shape from '../schema.ts'
import { parseInput } from '../validation.ts'
import type { EndpointCall, SignedEndpoint } from './endpoints.ts'
import { eventStream, keepAliveSeconds } from './event-stream.ts'

/** How often the files are looked at. Edges write each second. */
const lookMilliseconds = 200
/** Hosts whose branch one stream remembers. */
const hostsMax = 1000

const input = z.object({
  branch: shape.branchName.optional(),
  follow: z.enum(['', 'true', 'false']).default('false'),
  lines: z
    .string()
    .regex(/^[0-9]{1,10}$/, 'Member must be a whole number')
    .transform(Number)
    .refine(
      (lines) => lines <= limits.accessLogRecentLinesMax,
      `Member must have value less than or equal to ${limits.accessLogRecentLinesMax}`,
    )
    .default(20),
})

/**
 * The newest lines of an app's access log, or of one branch of it, as server-sent events, for whoever may GenerateAccessLogs:
 * the last ones, and with `?follow=true` those that come, about a second after the request. An event without a name is lines; its id
 * says how far each file was read, from where `Last-Event-ID` goes on. `skipped` tells how many bytes were left out, where more
 * is written than is taken. `end` tells that there is no more; a stream that ends without it is to be asked for again.
 */
export const followAccessLog: SignedEndpoint = {
  method: 'GET',
  path: '/_preamp/apps/{appId}/access-log',
  permission: (caller, members) => ({
    action: 'amplify:GenerateAccessLogs',
    ...appResource(caller, { appId: members['appId']! }),
  }),
  async handle({ caller, services }, call) {
    const { query, members } = call
    const sent = Object.fromEntries([...query].map(([name, [value]]) => [name, value]))
    const { branch, follow, lines } = parseInput(input, sent) as z.output<typeof input>
    const { queries } = services.database
    const { appId } = await ownApp(queries, caller, { appId: members['appId']! })
    if (branch !== undefined) await ownBranch(queries, caller, { appId, branchName: branch })
    requireAccessLogs(services)
    const matches = branch === undefined ? undefined : hostFilter(services, appId, branch)
    const task = { appId, lines, isFollowed: follow !== 'false', places: lastSeen(call), matches }
    return eventStream(caller, (stopped) => writeEvents(services, task, stopped))
  },
}

interface Task {
  appId: string
  /** How many of the last ones come first, where nothing says how far was read. */
  lines: number
  isFollowed: boolean
  places: AccessLogPlaces | undefined
  /** Whether a host's lines are wanted; undefined for all. */
  matches: ((host: string) => Promise<boolean>) | undefined
}

async function* writeEvents(
  { accessLogs, now }: Services,
  { appId, lines, isFollowed, places, matches }: Task,
  stopped: AbortSignal,
): AsyncGenerator<string, void> {
  const endAt = performance.now() + limits.logFollowSecondsMax * 1000
  let aliveAt = performance.now()
  const tail = new AccessLogTail(accessLogs.folder, appId, places ?? new Map())
  yield ': following\n\n'
  if (!places) {
    await accessLogs.written()
    const recent = await wanted(await tail.read(now()), matches)
    yield linesEvent(lines === 0 ? [] : recent.lines.slice(-lines), tail.places)
  }
  if (!isFollowed) {
    yield 'event: end\ndata: {}\n\n'
    return
  }
  while (!stopped.aborted && performance.now() < endAt) {
    const news = await wanted(await tail.read(now()), matches)
    if (news.skippedBytes > 0)
      yield `event: skipped\ndata: ${JSON.stringify({ bytes: news.skippedBytes })}\n\n`
    if (news.lines.length > 0) {
      aliveAt = performance.now()
      yield linesEvent(news.lines, tail.places)
    } else if (performance.now() - aliveAt > keepAliveSeconds * 1000) {
      aliveAt = performance.now()
      yield ': still there\n\n'
    }
    await Bun.sleep(lookMilliseconds)
  }
}

/** A line that is not whole, as the last one of a process that was killed may be, is left out. */
async function wanted(news: AccessLogNews, matches: Task['matches']): Promise<AccessLogNews> {
  const lines: string[] = []
  for (const line of news.lines) {
    const host = hostOfLine(line)
    if (host !== undefined && (!matches || (await matches(host)))) lines.push(line)
  }
  return { ...news, lines }
}

function hostFilter(
  { sites }: Services,
  appId: string,
  branchName: string,
): (host: string) => Promise<boolean> {
  const known = new Map<string, boolean>()
  return async (host) => {
    let isWanted = known.get(host)
    if (isWanted === undefined) {
      const site = await sites.find(host)
      isWanted = site?.appId === appId && site.branchName === branchName
      if (known.size >= hostsMax) known.clear()
      known.set(host, isWanted)
    }
    return isWanted
  }
}

/** Without lines the event has its id alone, which clients keep. */
function linesEvent(lines: string[], places: AccessLogPlaces): string {
  const id = [...places].map(([key, bytes]) => `${key}:${bytes}`).join(',')
  const data = lines.map((line) => `data: ${line}\n`).join('')
  return `id: ${id === '' ? nowhere : id}\n${data === '' ? 'event: begun\ndata: {}\n' : data}\n`
}

/** The id of a stream before the first file. */
const nowhere = '-'

/** Where a client says that it stopped reading; what is no place of ours counts as none, as for any event stream. */
function lastSeen({ headers }: EndpointCall): AccessLogPlaces | undefined {
  const id = headers.get('last-event-id')?.[0] ?? ''
  if (id === nowhere) return new Map()
  const places = new Map<string, number>()
  for (const part of id.split(',')) {
    const [, key, bytes] = /^(\d{4}-\d\d-\d\dT\d\d\/[a-z0-9]{1,32}):([0-9]{1,15})$/.exec(part) ?? []
    if (key === undefined) return undefined
    places.set(key, Number(bytes))
  }
  return places
}
