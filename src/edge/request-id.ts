import { randomBytes } from 'node:crypto'

/** The header in which CloudFront, and so Amplify, tells visitors the id of a request. */
export const requestIdHeader = 'x-amz-cf-id'

const idBytes = 16
/** In hex. */
export const requestIdCharacters = idBytes * 2
/** As many as are made at once: one by one they would cost ten times as much. */
const pooledIds = 4096

let pool = ''
let position = 0

/** An id that nobody can guess and that tells nothing: a number would tell visitors how many others there are. */
export function nextRequestId(): string {
  if (position === pool.length) {
    pool = randomBytes(idBytes * pooledIds).toString('hex')
    position = 0
  }
  position += requestIdCharacters
  return pool.slice(position - requestIdCharacters, position)
}
