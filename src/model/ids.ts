import { randomBytes, randomInt, randomUUID } from 'node:crypto'

/** A new app id: `d` and 13 characters of `[a-z0-9]` (contract/api-behaviour.md §1.5). */
export function newAppId(): string {
  const number = randomBytes(9).readBigUInt64BE(1)
  return `d${number.toString(36).padStart(13, '0').slice(-13)}`
}

/** The id of a row that no client sees by its number alone: branch, job, deployment, artifact. */
export function newId(): string {
  return randomUUID()
}

/** A new id that sorts after those made before it, for rows of a log that may share a millisecond. */
export function newOrderedId(): string {
  return Bun.randomUUIDv7()
}

/** A new session token of temporary credentials: 384 random bits, in the alphabet of AWS's. */
export function newSessionToken(): string {
  return randomBytes(48).toString('base64')
}

const alphanumerics = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A new secret of an incoming webhook: 42 letters and digits, as AWS's, which are 250 bits. */
export function newWebhookToken(): string {
  return Array.from({ length: 42 }, () => alphanumerics[randomInt(alphanumerics.length)]).join('')
}
