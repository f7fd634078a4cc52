const second = 1000
const minute = 60 * second
const hour = 60 * minute

/** Until when looks follow each other after how long. Terraform waits 15 minutes; DNS changes take some more. */
const pauses: [untilMilliseconds: number, pauseMilliseconds: number][] = [
  [minute, 2 * second],
  [5 * minute, 5 * second],
  [15 * minute, 15 * second],
  [hour, minute],
  [6 * hour, 5 * minute],
  [24 * hour, 15 * minute],
  [Infinity, hour],
]

/** A DNS that does not answer costs a look seconds: it makes room for others. */
const silentPauseMin = 15 * second

/**
 * How long to wait before the next look at records that are not there yet: often in the first minutes, then ever rarer.
 * @param waited since the wait began, in milliseconds
 * @param answered false when a question got no answer
 * @returns milliseconds
 */
export function pauseAfter(waited: number, answered: boolean): number {
  const pause = pauses.find(([until]) => waited < until)![1]
  return answered ? pause : Math.max(pause, silentPauseMin)
}
