/** Nothing came for so long; the caller says of what. */
export class TookTooLong extends Error {}

/**
 * Waits for `work`, but no longer than until `signal` aborts (then its reason is thrown) or `secondsMax` have passed.
 * What `work` comes to afterwards is ignored: for waits that cannot be called off themselves.
 * @throws {TookTooLong}
 */
export async function untilAborted<T>(
  work: Promise<T>,
  { signal, secondsMax }: { signal: AbortSignal | undefined; secondsMax: number },
): Promise<T> {
  const { promise: given, reject: giveUp } = Promise.withResolvers<never>()
  const timer = setTimeout(() => giveUp(new TookTooLong()), secondsMax * 1000)
  const abort = () => giveUp(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  try {
    return await Promise.race([work, given])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
