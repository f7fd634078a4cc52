import { limits } from '../../model/limits.ts'
import type { Caller } from '../context.ts'
import { LimitExceededException } from '../errors.ts'
import { OtherResponse } from '../http.ts'

/** Shorter than what idle connections are allowed, here and by proxies. */
export const keepAliveSeconds = 15

/** Who follow a log now, by account. */
const followers = new Map<string, number>()

/**
 * Answers with server-sent events, one after another as the client takes them.
 * @param write yields whole events; the signal is aborted when the client goes
 * @throws {LimitExceededException} when as many follow already as may
 */
export function eventStream(
  caller: Pick<Caller, 'accountId'>,
  write: (stopped: AbortSignal) => AsyncGenerator<string, void>,
): OtherResponse {
  const leave = join(caller.accountId)
  const stop = new AbortController()
  const events = write(stop.signal)
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await events.next()
          if (stop.signal.aborted) return
          if (!done) return controller.enqueue(encoder.encode(value))
        } catch (error) {
          leave()
          throw error
        }
        leave()
        controller.close()
      },
      cancel() {
        stop.abort()
        leave()
      },
    },
    { highWaterMark: 0 },
  )
  return new OtherResponse({
    status: 200,
    headers: {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      // nginx would gather the events otherwise.
      'X-Accel-Buffering': 'no',
    },
    body,
    isEndless: true,
  })
}

/** Takes a place among the followers; returns how to leave it. */
function join(accountId: string): () => void {
  const own = followers.get(accountId) ?? 0
  const all = followers.values().reduce((sum, count) => sum + count, 0)
  if (own >= limits.logFollowersOfAccountMax || all >= limits.logFollowersMax) {
    throw new LimitExceededException(
      'Too many follow logs at the moment. End one of them, or read the log without following it.',
    )
  }
  followers.set(accountId, own + 1)
  let isIn = true
  return () => {
    if (!isIn) return
    isIn = false
    const left = followers.get(accountId)! - 1
    if (left > 0) followers.set(accountId, left)
    else followers.delete(accountId)
  }
}
