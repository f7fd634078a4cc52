import type { StepName } from '../../model/jobs.ts'
import { findArtifact } from '../../store/artifacts.ts'
import { findStep } from '../../store/steps.ts'
import type { Services } from '../context.ts'
import { NotFoundException } from '../errors.ts'
import type { HttpRequest, HttpResponse } from '../http.ts'
import type { Transfer } from '../transfer-urls.ts'
import { downloadAccessLog } from './access-log.ts'
import { download } from './download.ts'
import { methodNotAllowed } from './method-not-allowed.ts'
import { outputFiles, outputZip } from './output-zip.ts'
import { upload } from './upload.ts'

type Of<Kind extends Transfer['kind']> = Extract<Transfer, { kind: Kind }>

/**
 * Serves the signed URLs of uploads, logs, artifacts and access logs: PUT for uploads, GET and HEAD for the rest. Who holds
 * a URL may do what it says until it expires or its job, for an access log its app, is deleted.
 * @throws {ApiError} 403 for a URL that is forged or expired, 404 for one whose job is gone
 */
export async function handleTransfer(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const query = new URLSearchParams(request.target.slice(request.target.indexOf('?') + 1))
  const transfer = services.transferUrls.verify(query, services.now())
  const methods = transfer.kind === 'upload' ? ['PUT'] : ['GET', 'HEAD']
  if (!methods.includes(request.method)) return methodNotAllowed(methods)
  switch (transfer.kind) {
    case 'upload':
      return upload(request, transfer, services)
    case 'log':
      return downloadLog(request, transfer, services)
    case 'build-output':
    case 'test-output':
      return downloadOutput(request, transfer, services)
    case 'access-log':
      return downloadAccessLog(transfer, services)
    default:
      return downloadArtifact(request, transfer, services)
  }
}

/** While its step is at work a log is a file that grows, afterwards a blob. */
async function downloadLog(
  request: HttpRequest,
  { jobKey, step }: Of<'log'>,
  services: Services,
): Promise<HttpResponse> {
  const contentType = 'text/plain; charset=utf-8'
  const live = await liveLog(jobKey, step, services)
  // Read after the file was looked for: a step that ended in between has its blob by now.
  const row = await findStep(services.database.queries, jobKey, step)
  if (!row) throw notFound('log')
  if (row.logSha !== null) {
    return download(request, { bytes: services.blobs.open(row.logSha), contentType, sha: row.logSha })
  }
  return download(request, { bytes: live ?? new Blob(), contentType })
}

/** The log as long as it is now: it may grow while it is sent. */
async function liveLog(jobKey: string, step: StepName, services: Services): Promise<Blob | undefined> {
  const file = Bun.file(services.liveLogPath(jobKey, step))
  return (await file.exists()) ? file.slice(0, file.size) : undefined
}

async function downloadOutput(
  request: HttpRequest,
  { kind, jobKey }: Of<'build-output' | 'test-output'>,
  services: Services,
): Promise<HttpResponse> {
  const artifact = await outputZip(kind, jobKey, services)
  if (!artifact) throw notFound(kind === 'build-output' ? 'build output' : 'output of the tests')
  return download(request, {
    bytes: services.blobs.open(artifact.sha),
    contentType: 'application/zip',
    fileName: outputFiles[kind].split('/').at(-1)!,
    sha: artifact.sha,
  })
}

async function downloadArtifact(
  request: HttpRequest,
  { jobKey, artifactId }: Of<'artifact'>,
  services: Services,
): Promise<HttpResponse> {
  const artifact = await findArtifact(services.database.queries, artifactId)
  if (!artifact || artifact.jobKey !== jobKey) throw notFound('artifact')
  return download(request, {
    bytes: services.blobs.open(artifact.sha),
    contentType: 'application/octet-stream',
    fileName: artifact.fileName
      .split('/')
      .at(-1)!
      .replace(/[^A-Za-z0-9._-]/g, '_'),
    sha: artifact.sha,
  })
}

const notFound = (what: string) => new NotFoundException(`The ${what} of this URL does not exist any more.`)
