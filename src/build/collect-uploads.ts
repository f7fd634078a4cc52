import type { Blobs } from '../blobs/blobs.ts'
import { collectFileMap } from '../deploy/collect-file-map.ts'
import { collectSource } from '../deploy/collect-source.ts'
import { collectZip } from '../deploy/collect-zip.ts'
import { RefusedContent } from '../deploy/refused-content.ts'
import type { S3Settings } from '../deploy/s3-source.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Database } from '../store/database.ts'
import type { JobRow } from '../store/schema.ts'
import { listUploads } from '../store/uploads.ts'
import type { BuildLog } from './build-log.ts'

export interface UploadOptions {
  database: Database
  blobs: Blobs
  s3: S3Settings
  privateSources: boolean
  /** Of the server's own, for what must lie on disk meanwhile. */
  jobFolder: string
  job: JobRow
  signal: AbortSignal
  log: BuildLog
}

/**
 * Collects what a manual deployment brought: a `sourceUrl`, files by `fileMap`, or one zip
 * (contract/hosting-behaviour.md §3).
 * @throws {RefusedContent}
 */
export async function collectUploads(options: UploadOptions): Promise<Manifest> {
  const { database, blobs, job, signal } = options
  const log = (line: string) => writeDeployLine(options.log, line)
  if (job.sourceUrl !== null) {
    return collectSource({
      blobs,
      sourceUrl: job.sourceUrl,
      sourceUrlType: job.sourceUrlType ?? 'ZIP',
      s3: options.s3,
      privateAllowed: options.privateSources,
      temporaryFolder: options.jobFolder,
      log,
      signal,
    })
  }
  const uploads = await listUploads(database.queries, job.jobKey)
  const zip = uploads.find(({ name }) => name === '')
  if (!zip) {
    const manifest = collectFileMap(uploads)
    log(`Got ${uploads.length} files`)
    return manifest
  }
  if (zip.sha === null) {
    throw new RefusedContent(
      'No zip was uploaded before the deployment was started. PUT it to zipUploadUrl first',
    )
  }
  log(`Got archive: ${zip.bytes} bytes`)
  return collectZip(blobs.open(zip.sha), { blobs, log, signal })
}

/** Lines from `deploy/` may bring their level in front. */
export function writeDeployLine(log: BuildLog, line: string): void {
  const [, level, text] = /^\[(WARNING)\]: (.*)$/s.exec(line) ?? []
  if (level && text !== undefined) log.write('WARNING', text)
  else log.write('INFO', line)
}
