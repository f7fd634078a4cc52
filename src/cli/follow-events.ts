import { UsageError } from '../usage-error.ts'
import { readEvents, type StreamEvent } from './event-stream.ts'

const triesMax = 5
const pauseMilliseconds = 1000
/** A stream that lasted so long was no failure. */
const livedMilliseconds = 10_000

/**
 * Reads a stream of events until one has a result. A connection that breaks is made again, and goes on where it stopped.
 * @param open asks for the stream, from behind the event with this id on
 * @param take is called with each event; what it returns, but undefined, is the result
 */
export async function followEvents<Result>(
  open: (lastId: string | undefined) => Promise<ReadableStream<Uint8Array>>,
  take: (event: StreamEvent) => Result | undefined | Promise<Result | undefined>,
): Promise<Result> {
  let lastId: string | undefined
  let isConnected = false
  for (let failures = 0; ; failures += 1) {
    const begunAt = performance.now()
    try {
      const stream = await open(lastId)
      isConnected = true
      for await (const event of readEvents(stream)) {
        lastId = event.id
        const result = await take(event)
        if (result !== undefined) return result
      }
    } catch (error) {
      // What the server answered, or says with an event, is no broken connection.
      if (!isConnected || !(error instanceof Error) || '$fault' in error || error instanceof UsageError)
        throw error
      if (failures >= triesMax) throw error
    }
    // The server ends a stream now and then, to check who asks for it.
    if (performance.now() - begunAt > livedMilliseconds) failures = -1
    else await Bun.sleep(pauseMilliseconds)
  }
}
