import { timingSafeEqual } from 'node:crypto'

/** Whether a secret is the expected one. How long it takes tells nothing of where they differ, only of their lengths. */
export function equalInConstantTime(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
