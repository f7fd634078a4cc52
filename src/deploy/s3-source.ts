import { S3Client } from 'bun'

import type { Blobs, StoredBlob } from '../blobs/blobs.ts'
import { forEachConcurrently } from '../model/concurrently.ts'
import { codeOf } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'
import type { Manifest } from '../model/manifest.ts'
import { byteStream } from './byte-stream.ts'
import { FileNames, toManifest } from './collected-files.ts'
import { RefusedContent } from './refused-content.ts'
import { quoted } from './site-path.ts'
import { TookTooLong, untilAborted } from './until-aborted.ts'

/** Where `s3://` sources lie, and with which credentials of the operator they are read. */
export interface S3Settings {
  /** AWS's own when absent. */
  endpoint?: string
  region?: string
  accessKeyId?: string
  secretAccessKey?: string
  sessionToken?: string
}

/** Reads the standard AWS variables, as every AWS SDK does. */
export function readS3Settings(environment: Record<string, string | undefined>): S3Settings {
  const from = (...names: string[]) => names.map((name) => environment[name]).find((value) => value)
  const settings = {
    endpoint: from('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'),
    region: from('AWS_REGION', 'AWS_DEFAULT_REGION'),
    accessKeyId: from('AWS_ACCESS_KEY_ID'),
    secretAccessKey: from('AWS_SECRET_ACCESS_KEY'),
    sessionToken: from('AWS_SESSION_TOKEN'),
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

export interface S3Location {
  bucket: string
  /** The key of an object, or a prefix; literal, not URL-encoded, as the AWS CLI writes it. */
  key: string
}

/** @throws {RefusedContent} for what is not `s3://bucket` or `s3://bucket/key` */
export function parseS3Url(url: string): S3Location {
  const [, bucket, key = ''] = /^s3:\/\/([A-Za-z0-9._-]{3,255})(?:\/(.*))?$/su.exec(url) ?? []
  if (bucket === undefined || bucket.includes('..') || key.startsWith('/')) {
    throw new RefusedContent(`${quoted(url)} is not an S3 address: write s3://bucket/key`)
  }
  return { bucket, key }
}

/**
 * Yields the bytes of one object.
 * @throws {RefusedContent} when it cannot be read, from the generator
 */
export async function* readObject(
  settings: S3Settings,
  location: S3Location,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const client = openClient(settings, location.bucket)
  const reader = client.file(location.key).stream().getReader()
  try {
    for (;;) {
      const { done, value } = await untilAborted(reader.read(), { signal, secondsMax })
      if (done) return
      yield value
    }
  } catch (error) {
    throw describeFailure(error, settings, location)
  } finally {
    // Closes the connection where the object was not read to its end; by then nobody minds how that went.
    reader.cancel().catch(() => undefined)
  }
}

/**
 * Stores every object below a prefix, which is taken off its name. Keys that end in `/`, with which consoles mark folders,
 * are no files.
 * @throws {RefusedContent}
 */
export async function collectBucketPrefix(options: {
  blobs: Blobs
  settings: S3Settings
  location: S3Location
  log(line: string): void
  signal?: AbortSignal
}): Promise<Manifest> {
  const { blobs, settings, location, signal } = options
  const prefix = location.key === '' || location.key.endsWith('/') ? location.key : `${location.key}/`
  const names = new FileNames()
  const stored = new Map<string, StoredBlob>()
  let bytes = 0
  const keys = listKeys(settings, location.bucket, prefix, signal)
  await blobs.batch((put) =>
    forEachConcurrently(keys, objectsAtWork, async (listed) => {
      const path = names.add(listed.key.slice(prefix.length), listed.size)
      const content = readObject(settings, { bucket: location.bucket, key: listed.key }, signal)
      const blob = await put(byteStream(content), { bytesMax: limits.outputBytesMax })
      bytes += blob.size
      if (bytes > limits.outputBytesMax) {
        throw new RefusedContent(`The objects hold more than ${limits.outputBytesMax} bytes together`)
      }
      stored.set(path, blob)
    }),
  )
  if (stored.size === 0)
    throw new RefusedContent(`There are no objects below s3://${location.bucket}/${prefix}`)
  return toManifest(stored)
}

const objectsAtWork = 16
/** For one piece of an object, or one page of a listing. */
const secondsMax = limits.outboundIdleSecondsMax

async function* listKeys(
  settings: S3Settings,
  bucket: string,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ key: string; size: number }, void> {
  const client = openClient(settings, bucket)
  let continuationToken: string | undefined
  do {
    let page
    try {
      const listing = client.list({ prefix, ...(continuationToken !== undefined && { continuationToken }) })
      page = await untilAborted(listing, { signal, secondsMax })
    } catch (error) {
      throw describeFailure(error, settings, { bucket, key: prefix })
    }
    for (const { key, size = 0 } of page.contents ?? []) if (!key.endsWith('/')) yield { key, size }
    continuationToken = page.isTruncated ? page.nextContinuationToken : undefined
  } while (continuationToken !== undefined)
}

function openClient(settings: S3Settings, bucket: string): S3Client {
  if (!settings.accessKeyId || !settings.secretAccessKey) {
    throw new RefusedContent(
      'This server has no credentials for s3:// sources. Its operator sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    )
  }
  // Given in full, as Bun would fill in what is absent from the environment, settings of other programs included.
  return new S3Client({
    bucket,
    region: settings.region ?? 'us-east-1',
    accessKeyId: settings.accessKeyId,
    secretAccessKey: settings.secretAccessKey,
    sessionToken: settings.sessionToken ?? '',
    endpoint: settings.endpoint ?? `https://s3.${settings.region ?? 'us-east-1'}.amazonaws.com`,
  })
}

const reasons: Record<string, string> = {
  NoSuchKey: 'there is no such object',
  NoSuchBucket: 'there is no such bucket',
  AccessDenied: "this server's credentials do not allow it",
  InvalidAccessKeyId: "this server's AWS_ACCESS_KEY_ID is not known there",
  SignatureDoesNotMatch: "this server's AWS_SECRET_ACCESS_KEY is wrong",
  PermanentRedirect: "the bucket lies in another region than this server's AWS_REGION",
  Timeout: `this server's S3 endpoint sent nothing for ${limits.outboundIdleSecondsMax} seconds`,
  ConnectionRefused: "this server's S3 endpoint does not answer",
}

/** Whatever S3 refuses is shown to the user with its code; that text holds no secret. Other failures are ours. */
function describeFailure(error: unknown, settings: S3Settings, { bucket, key }: S3Location): unknown {
  const code = failureCode(error)
  if (code === undefined) return error
  const reason = reasons[code] ?? 'S3 refused it'
  const endpoint = settings.endpoint === undefined ? '' : ` at ${settings.endpoint}`
  return new RefusedContent(
    `${quoted(`s3://${bucket}/${key}`)}${endpoint} cannot be read: ${reason} (${code})`,
  )
}

function failureCode(error: unknown): string | undefined {
  if (error instanceof TookTooLong) return 'Timeout'
  return error instanceof Error && error.name === 'S3Error' ? codeOf(error) : undefined
}
