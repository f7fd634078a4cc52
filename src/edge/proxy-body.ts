/**
 * The body of an answer as it comes, read no faster than the visitor takes it. What it holds is given back when it ends, fails, or is
 * not wanted any longer: a stream that is passed on without a look at it does not tell.
 * @param signal of the request that it answers
 */
export function heldUntilTaken(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  release: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  // A response that finds its visitor gone is not begun, and nobody calls it off.
  signal.addEventListener('abort', release, { once: true })
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
        } catch (error) {
          release()
          throw error
        }
        release()
        controller.close()
      },
      cancel(reason) {
        release()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
