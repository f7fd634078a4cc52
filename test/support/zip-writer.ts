import { crc32, deflateRawSync } from 'node:zlib'

/** One entry of a zip as a test wants it: right unless it says otherwise. */
export interface ZipEntryDraft {
  name: string | Uint8Array
  content?: string | Uint8Array
  /** Stored (0) or deflated (8); any other number goes into the headers alone. */
  method?: number
  /** The bytes as they lie in the archive, when they are not what the method makes of the content. */
  packed?: Uint8Array
  flags?: number
  /** The host in the upper byte of "version made by": 3 is Unix. */
  madeOn?: number
  unixMode?: number
  crc?: number
  uncompressedSize?: number
  compressedSize?: number
  /** Points the directory's entry to this place instead of writing one. */
  localHeaderAt?: number
}

const utf8Flag = 0x800

/** Writes a zip by hand, since libraries refuse to write the hostile ones. */
export function zipOf(drafts: ZipEntryDraft[], options: { prefix?: Uint8Array } = {}): Blob {
  const parts: Uint8Array[] = options.prefix ? [options.prefix] : []
  const directory: Uint8Array[] = []
  let offset = options.prefix?.byteLength ?? 0
  for (const draft of drafts) {
    const name = Buffer.from(draft.name)
    const content = Buffer.from(draft.content ?? '')
    const method = draft.method ?? 8
    const packed = draft.packed ?? (method === 8 ? deflateRawSync(content) : content)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(draft.flags ?? utf8Flag, 2)
    fields.writeUInt16LE(method, 4)
    fields.writeUInt32LE(draft.crc ?? crc32(content), 10)
    fields.writeUInt32LE(draft.compressedSize ?? packed.byteLength, 14)
    fields.writeUInt32LE(draft.uncompressedSize ?? content.byteLength, 18)
    fields.writeUInt16LE(name.byteLength, 22)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x0201_4b50, 0)
    central.writeUInt16LE(((draft.madeOn ?? 3) << 8) | 20, 4)
    central.set(fields, 6)
    central.writeUInt32LE(((draft.unixMode ?? 0o100644) << 16) >>> 0, 38)
    central.writeUInt32LE(draft.localHeaderAt ?? offset, 42)
    directory.push(central, name)
    if (draft.localHeaderAt === undefined) {
      parts.push(Buffer.from([0x50, 0x4b, 3, 4]), fields, name, packed)
      offset += 30 + name.byteLength + packed.byteLength
    }
  }
  const directoryBytes = directory.reduce((bytes, part) => bytes + part.byteLength, 0)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x0605_4b50, 0)
  end.writeUInt16LE(drafts.length % 0x1_0000, 8)
  end.writeUInt16LE(drafts.length % 0x1_0000, 10)
  end.writeUInt32LE(directoryBytes, 12)
  end.writeUInt32LE(offset, 16)
  return new Blob([...parts, ...directory, end].map((part) => new Uint8Array(part)))
}
