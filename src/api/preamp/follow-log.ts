import { type StepName, stepNames } from '../../model/jobs.ts'
import { limits } from '../../model/limits.ts'
import type { Caller, Services } from '../context.ts'
import type { OtherResponse } from '../http.ts'
import { type LogPlaces, readJobLog } from '../job-log.ts'
import { eventStream, keepAliveSeconds } from './event-stream.ts'

/** How often the file of a step at work is looked at. */
const fileLookMilliseconds = 40
/** How often the database is asked for steps and the job's end, where the file does not grow. */
const jobLookMilliseconds = 200

/**
 * The logs of a job as server-sent events, from a place on, as they are written. An event without a name is lines of a log;
 * its id says how far each step's log was sent, `BUILD:<bytes>,TEST:<bytes>`, from where `Last-Event-ID` goes on. `end` tells the status with which the
 * job has ended, `deleted` that it is gone. A stream that ends with neither is to be asked for again: the caller is checked
 * anew every few minutes. Nothing is read ahead of what the client takes.
 * @throws {LimitExceededException} when as many follow already as may
 */
export function followJobLog(
  services: Services,
  caller: Pick<Caller, 'accountId'>,
  jobKey: string,
  from: LogPlaces,
): OtherResponse {
  return eventStream(caller, (stopped) => writeEvents(services, jobKey, from, stopped))
}

async function* writeEvents(
  services: Services,
  jobKey: string,
  from: LogPlaces,
  stopped: AbortSignal,
): AsyncGenerator<string, void> {
  const endAt = performance.now() + limits.logFollowSecondsMax * 1000
  let aliveAt = performance.now()
  const places = { first: from.first, of: new Map(from.of) }
  // Headers alone are not always passed on: the client shall know at once that it is connected.
  yield ': following\n\n'
  while (!stopped.aborted && performance.now() < endAt) {
    const log = await readJobLog(services, jobKey, places)
    if (!log) {
      yield 'event: deleted\ndata: {}\n\n'
      return
    }
    if (log.piece) {
      places.of.set(log.piece.step, log.piece.next)
      aliveAt = performance.now()
      yield logEvent(log.piece.text, places)
    } else if (log.isOver) {
      yield `event: end\ndata: ${JSON.stringify({ status: log.status })}\n\n`
      return
    } else {
      if (performance.now() - aliveAt > keepAliveSeconds * 1000) {
        aliveAt = performance.now()
        yield ': still there\n\n'
      }
      await untilGrown(services, jobKey, places, stopped)
    }
  }
}

/** Logs have no carriage return, so that their lines are lines of an event too. */
function logEvent(text: string, { of }: LogPlaces): string {
  const sent = [...of].filter(([, { offset }]) => offset > 0)
  const id = sent.map(([step, { offset }]) => `${step}:${offset}`).join(',')
  const lines = text.replace(/\n$/, '').split('\n')
  return `id: ${id}\n${lines.map((line) => `data: ${line}\n`).join('')}\n`
}

/** Resolves when the file of a step at work is longer, or it is time to ask the database. */
async function untilGrown(
  services: Services,
  jobKey: string,
  { of }: LogPlaces,
  stopped: AbortSignal,
): Promise<void> {
  const isLonger = (step: StepName) =>
    Bun.file(services.liveLogPath(jobKey, step)).size > (of.get(step)?.offset ?? 0)
  for (let waited = 0; waited < jobLookMilliseconds; waited += fileLookMilliseconds) {
    await Bun.sleep(fileLookMilliseconds)
    if (stopped.aborted || stepNames.some(isLonger)) return
  }
}
