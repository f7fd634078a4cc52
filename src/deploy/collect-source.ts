import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import type { Blobs } from '../blobs/blobs.ts'
import type { SourceUrlType } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import type { Manifest } from '../model/manifest.ts'
import { collectZip } from './collect-zip.ts'
import { fetchOutbound, OutboundError, shown } from './outbound.ts'
import { RefusedContent } from './refused-content.ts'
import { collectBucketPrefix, parseS3Url, readObject, type S3Settings } from './s3-source.ts'

export interface SourceOptions {
  blobs: Blobs
  sourceUrl: string
  sourceUrlType: SourceUrlType
  s3: S3Settings
  /** Whether http and https sources may lie at private addresses (`PREAMP_PRIVATE_SOURCES`). */
  privateAllowed: boolean
  /** Folder for the archive while it is unpacked. It exists, and is not the build's. */
  temporaryFolder: string
  /** Called with lines for the deploy log. */
  log(line: string): void
  signal?: AbortSignal
}

/**
 * Fetches what `StartDeployment` names by `sourceUrl`: one zip by http, https or s3, or all objects below a prefix of a
 * bucket (contract/hosting-behaviour.md §3).
 * @throws {RefusedContent}
 */
export async function collectSource(options: SourceOptions): Promise<Manifest> {
  const { sourceUrl, sourceUrlType } = options
  const isS3 = sourceUrl.startsWith('s3://')
  if (sourceUrlType === 'BUCKET_PREFIX') {
    if (!isS3) throw new RefusedContent('A sourceUrl of type BUCKET_PREFIX must begin with s3://')
    return collectBucketPrefix({ ...options, settings: options.s3, location: parseS3Url(sourceUrl) })
  }
  const archive = join(options.temporaryFolder, 'source.zip')
  try {
    const bytes = await download(isS3 ? objectChunks(options) : httpChunks(options), archive)
    options.log(`Got archive: ${bytes} bytes`)
    return await collectZip(Bun.file(archive), options)
  } finally {
    await rm(archive, { force: true })
  }
}

function objectChunks({ s3, sourceUrl, signal }: SourceOptions): AsyncGenerator<Uint8Array, void> {
  const location = parseS3Url(sourceUrl)
  if (location.key === '') throw new RefusedContent(`${sourceUrl} names a bucket: add the key of the zip`)
  return readObject(s3, location, signal)
}

async function* httpChunks({
  sourceUrl,
  privateAllowed,
  signal,
}: SourceOptions): AsyncGenerator<Uint8Array, void> {
  try {
    const { status, url, body } = await fetchOutbound(sourceUrl, {
      privateAllowed,
      bytesMax: limits.archiveBytesMax,
      ...(signal && { signal }),
    })
    if (status !== 200) {
      await body.return()
      throw new RefusedContent(`${shown(url)} answered ${status} where 200 and a zip were expected`)
    }
    yield* body
  } catch (error) {
    throw error instanceof OutboundError
      ? new RefusedContent(`The sourceUrl cannot be fetched: ${error.message}`)
      : error
  }
}

/** Writes the chunks to a file; returns how many bytes there were. */
async function download(chunks: AsyncGenerator<Uint8Array, void>, path: string): Promise<number> {
  let bytes = 0
  async function* bounded() {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength
      if (bytes > limits.archiveBytesMax) {
        throw new RefusedContent(`The zip is larger than ${limits.archiveBytesMax} bytes`)
      }
      yield chunk
    }
  }
  await pipeline(bounded, createWriteStream(path, { mode: 0o600 }))
  return bytes
}
