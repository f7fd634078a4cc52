import { crc32, inflateRawSync } from 'node:zlib'

import { type Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, type ZipFile } from 'yauzl'

import type { Blobs, BlobSource, StoredBlob } from '../blobs/blobs.ts'
import { forEachConcurrently } from '../model/concurrently.ts'
import { hasCode } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'
import type { Manifest } from '../model/manifest.ts'
import { BlobReader } from './blob-reader.ts'
import { byteStream } from './byte-stream.ts'
import { FileNames, toManifest } from './collected-files.ts'
import { RefusedContent } from './refused-content.ts'
import { decodeName, quoted, sitePath } from './site-path.ts'

export interface ZipOptions {
  blobs: Blobs
  /** Called with lines for the deploy log. */
  log(line: string): void
  signal?: AbortSignal
}

/** An entry of the central directory and the room it has in the archive. */
interface ZipEntry {
  entry: Entry
  /** Undefined for what is not published: folders, and what macOS adds. */
  path: string | undefined
  /** Where the next entry begins: nothing of this one may lie beyond. */
  end: number
}

interface OpenZip {
  zip: ZipFile
  reader: BlobReader
  entries: ZipEntry[]
}

const storesAtWork = 16
/** Entries up to this size are unpacked in one piece, and many of them from one read of the archive. */
const smallEntryBytesMax = 1024 * 1024
const windowBytesMax = 8 * 1024 * 1024
const localHeaderBytesMax = 30 + 2 * 0xffff

const nothing = Buffer.alloc(0)
const method = { stored: 0, deflated: 8 }
const unixType = { mask: 0o170000, regular: 0o100000, folder: 0o040000, link: 0o120000 }

/**
 * Unpacks a zip into blobs. The archive is hostile: names that lead elsewhere, links and other special files, encrypted
 * or overlapping entries, names that appear twice, more entries, bytes or compression than the limits allow, and headers
 * that say something else than the bytes are refused. What macOS adds (`__MACOSX/`, `.DS_Store`) is dropped.
 * @throws {RefusedContent}
 */
export async function collectZip(archive: Blob, options: ZipOptions): Promise<Manifest> {
  if (archive.size > limits.archiveBytesMax) {
    throw new RefusedContent(`The zip is larger than ${limits.archiveBytesMax} bytes`)
  }
  const opened = await openZip(archive, options.signal)
  const stored = new Map<string, StoredBlob>()
  await options.blobs.batch((put) =>
    forEachConcurrently(unpack(opened, options.signal), storesAtWork, async ({ path, content }) => {
      stored.set(path, await put(content))
    }),
  )
  return toManifest(stored)
}

/** Checks every header before a byte is unpacked. The sizes they announce are held against the bytes later. */
async function openZip(archive: Blob, signal: AbortSignal | undefined): Promise<OpenZip> {
  const reader = new BlobReader(archive)
  const entries: ZipEntry[] = []
  try {
    const zip = await fromRandomAccessReaderPromise(reader, archive.size, {
      decodeStrings: false,
      autoClose: false,
    })
    if (zip.entryCount > limits.archiveEntriesMax) {
      throw new RefusedContent(`The zip has ${zip.entryCount} entries, more than ${limits.archiveEntriesMax}`)
    }
    const names = new FileNames()
    let bytes = 0
    for await (const entry of zip.eachEntry()) {
      signal?.throwIfAborted()
      const path = publishedPath(entry, names)
      entries.push({ entry: withoutNames(entry), path, end: archive.size })
      bytes += entry.uncompressedSize
    }
    if (bytes > limits.archiveRatioFreeBytes && bytes > limits.archiveRatioMax * archive.size) {
      throw new RefusedContent(
        `The zip unpacks to ${bytes} bytes, more than ${limits.archiveRatioMax} times its own ${archive.size}`,
      )
    }
    if (entries.every(({ path }) => path === undefined)) throw new RefusedContent('The zip holds no files')
    return { zip, reader, entries: inPlaceOrder(entries) }
  } catch (error) {
    signal?.throwIfAborted()
    throw describeFailure(error, reader)
  }
}

/** Yields the content of each entry that is published, in the order in which they lie in the archive. */
async function* unpack(
  { zip, reader, entries }: OpenZip,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ path: string; content: BlobSource }, void> {
  let windowEnd = 0
  for (const [index, zipEntry] of entries.entries()) {
    signal?.throwIfAborted()
    const { entry, path } = zipEntry
    if (path === undefined) continue
    try {
      const small = isSmall(entry)
      if (small && roomEnd(zipEntry) > windowEnd) {
        windowEnd = await loadWindow(reader, entries, index)
      }
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
      const dataEnd = fileDataStart + entry.compressedSize
      if (dataEnd > zipEntry.end) throw new RefusedContent(`The zip entry ${quoted(path)} overlaps another`)
      const content = small
        ? inflateSmall(entry, path, reader.slice(fileDataStart, dataEnd))
        : byteStream(checkedChunks(zip, reader, entry, path, signal))
      yield { path, content }
    } catch (error) {
      throw describeFailure(error, reader)
    }
  }
}

/** Reads as many small entries as fit into one window, from the given one on; returns where the window ends. */
async function loadWindow(reader: BlobReader, entries: ZipEntry[], first: number): Promise<number> {
  const start = entries[first]!.entry.relativeOffsetOfLocalHeader
  let end = roomEnd(entries[first]!)
  for (let next = first + 1; next < entries.length; next++) {
    const nextEnd = roomEnd(entries[next]!)
    if (!isSmall(entries[next]!.entry) || nextEnd - start > windowBytesMax) break
    end = nextEnd
  }
  await reader.load(start, end)
  return end
}

function inflateSmall(entry: Entry, path: string, packed: Uint8Array): Uint8Array {
  const content = entry.compressionMethod === method.stored ? packed : inflate(entry, path, packed)
  if (content.byteLength !== entry.uncompressedSize) throw wrongSize(path)
  if (crc32(content) !== entry.crc32) throw wrongChecksum(path)
  return content
}

function inflate(entry: Entry, path: string, packed: Uint8Array): Uint8Array {
  const bytesMax = Math.max(entry.uncompressedSize, 64)
  try {
    return inflateRawSync(packed, { maxOutputLength: bytesMax, chunkSize: bytesMax })
  } catch (error) {
    if (hasCode(error, 'ERR_BUFFER_TOO_LARGE')) throw wrongSize(path)
    throw new RefusedContent(`The zip entry ${quoted(path)} is damaged`)
  }
}

/** yauzl holds the size against the header as the bytes come; the checksum is ours to compare. */
async function* checkedChunks(
  zip: ZipFile,
  reader: BlobReader,
  entry: Entry,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  let checksum = 0
  try {
    for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>) {
      signal?.throwIfAborted()
      checksum = crc32(chunk, checksum)
      yield chunk
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw describeFailure(error, reader)
  }
  if (checksum !== entry.crc32) throw wrongChecksum(path)
}

/** Drops what an entry says beside its place and sizes: 128 KiB each, which would fill the memory. */
function withoutNames(entry: Entry): Entry {
  const bytes = { fileNameRaw: nothing, fileCommentRaw: nothing, extraFieldRaw: nothing }
  return Object.assign(entry, { fileName: '', fileComment: '', comment: '', extraFields: [], ...bytes })
}

/** Checks an entry's name and kind; returns the path under which it is published, undefined when it is dropped. */
function publishedPath(entry: Entry, names: FileNames): string | undefined {
  const name = entryName(entry)
  const type = (entry.externalFileAttributes >>> 16) & unixType.mask
  if (name.endsWith('/') || type === unixType.folder) {
    sitePath(name.replace(/\/$/, ''))
    return undefined
  }
  if (type === unixType.link) throw new RefusedContent(`The zip entry ${quoted(name)} is a link`)
  if (type !== 0 && type !== unixType.regular) {
    throw new RefusedContent(`The zip entry ${quoted(name)} is a pipe, socket or device`)
  }
  if (entry.isEncrypted()) throw new RefusedContent(`The zip entry ${quoted(name)} is encrypted`)
  if (entry.compressionMethod !== method.stored && entry.compressionMethod !== method.deflated) {
    throw new RefusedContent(
      `The zip entry ${quoted(name)} is packed by method ${entry.compressionMethod}; only stored and deflated are read`,
    )
  }
  if (isAddedByMacOS(name)) {
    sitePath(name)
    return undefined
  }
  return names.add(name, entry.uncompressedSize)
}

/**
 * The name as the archive's own rules have it: UTF-8 by flag or by Info-ZIP's extra field, else code page 437. Unix and
 * macOS programs that set neither wrote the bytes of their file system, which are UTF-8. A backslash, which old .NET
 * wrote, is a slash.
 */
function entryName(entry: Entry): string {
  const madeOn = entry.versionMadeBy >>> 8
  const saysUtf8 = (entry.generalPurposeBitFlag & 0x800) !== 0
  const asUtf8 = decodeName(entry.fileNameRaw)
  if (saysUtf8 && asUtf8 === undefined) {
    throw new RefusedContent(
      `The zip entry ${quoted(entry.fileNameRaw.toString('latin1'))} has a name that is not UTF-8`,
    )
  }
  const flags = asUtf8 !== undefined && (madeOn === 3 || madeOn === 19) ? 0x800 : entry.generalPurposeBitFlag
  return getFileNameLowLevel(flags, entry.fileNameRaw, entry.extraFields, false)
}

function isAddedByMacOS(name: string): boolean {
  return name.startsWith('__MACOSX/') || name === '.DS_Store' || name.endsWith('/.DS_Store')
}

function inPlaceOrder(entries: ZipEntry[]): ZipEntry[] {
  const offset = ({ entry }: ZipEntry) => entry.relativeOffsetOfLocalHeader
  const sorted = entries.toSorted((one, other) => offset(one) - offset(other))
  for (const [index, zipEntry] of sorted.entries()) {
    const next = sorted[index + 1]
    if (next) zipEntry.end = offset(next)
  }
  return sorted
}

/** Where an entry's bytes end at the latest, going by its header. */
function roomEnd({ entry, end }: ZipEntry): number {
  return Math.min(end, entry.relativeOffsetOfLocalHeader + localHeaderBytesMax + entry.compressedSize)
}

function isSmall(entry: Entry): boolean {
  return entry.uncompressedSize <= smallEntryBytesMax && entry.compressedSize <= smallEntryBytesMax
}

/** What the reader meets is our disk's failure; what yauzl and zlib say otherwise is about the archive. */
function describeFailure(error: unknown, reader: BlobReader): unknown {
  if (reader.failure !== undefined) return reader.failure
  if (error instanceof RefusedContent || !(error instanceof Error)) return error
  return new RefusedContent(`The zip cannot be read: ${error.message}`)
}

function wrongSize(path: string): RefusedContent {
  return new RefusedContent(`The zip entry ${quoted(path)} does not have the size that its header says`)
}

function wrongChecksum(path: string): RefusedContent {
  return new RefusedContent(`The zip entry ${quoted(path)} is damaged: its checksum is wrong`)
}
