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

/**
 * How long to wait before the next look at records that are not there yet: often in the first minutes, then ever rarer.
 * @param waited since the wait began, in milliseconds
 * @returns milliseconds
 */
export function pauseAfter(waited: number): number {
  return pauses.find(([until]) => waited < until)![1]
}
