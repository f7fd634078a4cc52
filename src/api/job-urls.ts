import { paddedJobNumber } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import type { ArtifactRow } from '../store/schema.ts'
import type { OperationContext } from './context.ts'
import type { OwnedJob } from './look-up.ts'
import type { Transfer } from './transfer-urls.ts'

/**
 * A URL that lets its holder fetch one file of the job for an hour. It shows where the file lies on AWS's storage, so that
 * people recognise it (contract/api-behaviour.md §1.5).
 * @param file for example `BUILD/log.txt`
 */
export function transferUrl(
  { apiUrl, services }: OperationContext,
  { app, branch, job }: OwnedJob,
  file: string,
  transfer: Transfer,
  expiresAt = services.now() + limits.downloadUrlSecondsMax * 1000,
): string {
  const path = [app.appId, branch.name, paddedJobNumber(job.number), ...file.split('/')]
  return services.transferUrls.sign(apiUrl, path, transfer, expiresAt)
}

/** A URL for one file of the tests. */
export function artifactUrl(
  context: OperationContext,
  owned: OwnedJob,
  { jobKey, artifactId, fileName }: ArtifactRow,
): string {
  return transferUrl(context, owned, `TEST/${fileName}`, { kind: 'artifact', jobKey, artifactId })
}
