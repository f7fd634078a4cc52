import { createHash } from 'node:crypto'

import { BlobTooLarge } from '../../blobs/blobs.ts'
import { byteStream } from '../../deploy/byte-stream.ts'
import { jobActions, jobCan } from '../../model/jobs.ts'
import { limits } from '../../model/limits.ts'
import { changeJob, findJobByKey } from '../../store/jobs.ts'
import type { JobRow } from '../../store/schema.ts'
import { findUpload, recordUpload } from '../../store/uploads.ts'
import type { Services } from '../context.ts'
import {
  BadRequestException,
  DependentServiceFailureException,
  NotFoundException,
  RequestTooLargeException,
} from '../errors.ts'
import type { HttpRequest, HttpResponse } from '../http.ts'
import { header } from './download.ts'
import { takeKnownFile } from './known-files.ts'

const bytesBetweenLooks = 64 * 1024 * 1024

/**
 * Takes the zip or a file of a deployment. Headers that tell what the bytes are (Content-Type, Content-Encoding) may be
 * anything or absent: the bytes are stored as they come. A second upload replaces the first.
 */
export async function upload(
  request: HttpRequest,
  transfer: { jobKey: string; name: string },
  services: Services,
): Promise<HttpResponse> {
  const { jobKey, name } = transfer
  const { queries } = services.database
  const job = await findJobByKey(queries, jobKey)
  const awaited = job && (await findUpload(queries, jobKey, name))
  if (!job || !awaited) throw gone()
  refuseStarted(job)
  const known = await takeKnownFile(request, job, services, (content) => record(services, job, name, content))
  if (known) return known
  if (Number(header(request, 'content-length') ?? 0) > limits.archiveBytesMax) throw tooLarge()
  const hash = createHash('md5')
  const { sha, size } = await services.blobs
    .put(byteStream(checked(withRoom(request.body, services), hash, awaited.md5)), {
      bytesMax: limits.archiveBytesMax,
    })
    .catch((error: unknown) => {
      throw error instanceof BlobTooLarge ? tooLarge() : error
    })
  await record(services, job, name, { sha, bytes: size })
  return { status: 200, headers: { ETag: `"${sha}"` }, body: null }
}

/** Passes the bytes on, and fails at their end when they are not those that were announced, so that nothing is kept. */
async function* checked(
  chunks: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
  md5: string | null,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
  const actual = hash.digest('hex')
  if (md5 !== null && actual !== md5) {
    throw new BadRequestException(
      `The bytes have the MD5 ${actual}, the fileMap of CreateDeployment announced ${md5}. Nothing was stored.`,
    )
  }
}

/** Passes the bytes on while the disk has room for them and for everybody else's. */
async function* withRoom(
  body: ReadableStream<Uint8Array>,
  { diskShortage }: Services,
): AsyncGenerator<Uint8Array, void> {
  let bytesUntilLook = 0
  for await (const chunk of chunksOf(body)) {
    bytesUntilLook -= chunk.byteLength
    if (bytesUntilLook < 0) {
      const shortage = await diskShortage()
      if (shortage !== undefined)
        throw new DependentServiceFailureException(`${shortage} Nothing was stored.`)
      bytesUntilLook = bytesBetweenLooks
    }
    yield chunk
  }
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader()
  let isOver = false
  try {
    while (!isOver) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        // The client went away, which is no fault of ours: nothing is stored, and nobody reads the answer.
        throw new BadRequestException(`The upload ended early: ${String(error)}`)
      })
      isOver = done
      if (value) yield value
    }
  } finally {
    if (!isOver) await reader.cancel().catch(() => undefined)
  }
}

/** Only while the deployment has not been started: what it publishes must not change under it. */
async function record(
  { database }: Services,
  job: JobRow,
  name: string,
  content: { sha: string; bytes: number },
): Promise<void> {
  await database.transaction(async (transaction) => {
    // A change that changes nothing: it holds the row against StartDeployment and DeleteJob until the commit.
    const held = await changeJob(transaction, job.jobKey, jobActions.upload, { status: 'CREATED' })
    if (held && (await recordUpload(transaction, job.jobKey, name, content))) return
    const now = await findJobByKey(transaction, job.jobKey)
    if (!now) throw gone()
    refuseStarted(now)
    throw new Error(`The upload ${JSON.stringify(name)} of job ${job.jobKey} is gone while the job is there`)
  })
}

function refuseStarted(job: JobRow): void {
  if (jobCan('upload', job.status)) return
  throw new BadRequestException(
    `Job ${job.number} is ${job.status}: it takes uploads only until StartDeployment. Create a new deployment.`,
  )
}

const gone = () => new NotFoundException('The deployment of this URL does not exist any more.')
const tooLarge = () =>
  new RequestTooLargeException(
    `The upload is larger than ${limits.archiveBytesMax} bytes. Nothing was stored.`,
  )
