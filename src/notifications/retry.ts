const minute = 60_000

/** How long to wait after each failed attempt: nearly seven hours in all, in which most servers come back. */
const pauses = [10_000, minute, 5 * minute, 15 * minute, 30 * minute, 60 * minute, 120 * minute, 180 * minute]

/**
 * @param attempts how many there were
 * @returns milliseconds until the next one; undefined when there were enough
 */
export function pauseBeforeRetry(attempts: number): number | undefined {
  return pauses[attempts - 1]
}
