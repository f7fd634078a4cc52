import { createHmac } from 'node:crypto'

import type { StepName } from '../model/jobs.ts'
import { equalInConstantTime } from './constant-time.ts'
import { AccessDeniedException } from './errors.ts'

/**
 * What a signed URL lets its holder do with one thing of one job, or with the access log of an app. The job is named by its
 * internal key: numbers restart when a branch is made anew, and a URL must not outlive its job.
 */
export type Transfer =
  | { kind: 'upload'; jobKey: string; name: string }
  | { kind: 'log'; jobKey: string; step: StepName }
  | { kind: 'build-output' | 'test-output'; jobKey: string }
  | { kind: 'artifact'; jobKey: string; artifactId: string }
  | ({ kind: 'access-log' } & AccessLogRange)

/** The lines of an access log that were asked for. */
export interface AccessLogRange {
  appId: string
  /** Of one host, or of a domain and all hosts within it. */
  of: { host: string } | { domain: string }
  /** Hours, both included, as `hourOf` names them. */
  from: string
  to: string
}

export const transferPrefix = '/_preamp/transfers/'

/** Makes and checks the URLs of uploads, logs, artifacts and access logs. Neither method nor Content-Type is part of the signature. */
export class TransferUrls {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  /**
   * @param apiUrl address of the API without a slash at its end
   * @param path segments that tell people what the URL is of
   * @param expiresAt epoch milliseconds
   */
  sign(apiUrl: string, path: readonly string[], transfer: Transfer, expiresAt: number): string {
    const claims = Buffer.from(JSON.stringify({ ...transfer, expiresAt })).toString('base64url')
    const query = new URLSearchParams({ claims, signature: this.#sign(claims) })
    return `${apiUrl}${transferPrefix}${path.map(encodeURIComponent).join('/')}?${query}`
  }

  /**
   * The transfer that a URL's query allows. The path is for people only.
   * @throws {AccessDeniedException} for a signature that is not ours, or a URL whose time is over
   */
  verify(query: URLSearchParams, now: number): Transfer {
    const claims = query.get('claims') ?? ''
    if (!equalInConstantTime(query.get('signature') ?? '', this.#sign(claims))) {
      throw new AccessDeniedException('This URL was not made by this server, or was changed or cut.')
    }
    const { expiresAt, ...transfer } = JSON.parse(
      Buffer.from(claims, 'base64url').toString('utf8'),
    ) as Transfer & { expiresAt: number }
    if (now > expiresAt) {
      const time = new Date(expiresAt).toISOString()
      throw new AccessDeniedException(`This URL expired at ${time}. Ask the API for a new one.`)
    }
    return transfer
  }

  #sign(claims: string): string {
    return createHmac('sha256', this.#key).update(claims).digest('base64url')
  }
}
