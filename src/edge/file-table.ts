import type { ManifestFile } from '../model/manifest.ts'

const shaBytes = 32
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * The files of a deployment by path, in a few arrays: as objects they would take several times the memory, and a process holds
 * thousands of deployments. It never changes.
 */
export class FileTable {
  readonly size: number
  readonly #pathBytes: Uint8Array
  /** Where each path begins in those; one more than there are files. */
  readonly #pathStarts: Uint32Array
  readonly #shas: Uint8Array
  readonly #sizes: Float64Array
  /** Places of files by the hash of their path, from 1; 0 is free. A collision goes to the next slot. */
  readonly #slots: Uint32Array

  constructor(files: Record<string, ManifestFile>) {
    const paths = Object.keys(files)
    const encoded = paths.map((path) => encoder.encode(path))
    this.size = paths.length
    this.#pathStarts = new Uint32Array(paths.length + 1)
    this.#pathBytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + length, 0))
    this.#shas = new Uint8Array(paths.length * shaBytes)
    this.#sizes = new Float64Array(paths.length)
    // Half of the slots at the least are free, so that a look-up ends after one or two.
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(paths.length, 1) * 2)))
    let start = 0
    for (const [place, path] of paths.entries()) {
      const { sha, size } = files[path]!
      this.#pathBytes.set(encoded[place]!, start)
      start += encoded[place]!.length
      this.#pathStarts[place + 1] = start
      this.#shas.set(Uint8Array.fromHex(sha), place * shaBytes)
      this.#sizes[place] = size
      this.#slots[this.#freeSlot(path)] = place + 1
    }
  }

  has(path: string): boolean {
    return this.#find(path) !== -1
  }

  get(path: string): ManifestFile | undefined {
    const place = this.#find(path)
    if (place === -1) return undefined
    const sha = this.#shas.subarray(place * shaBytes, (place + 1) * shaBytes).toHex()
    return { sha, size: this.#sizes[place]! }
  }

  #find(path: string): number {
    const mask = this.#slots.length - 1
    for (let slot = hash(path) & mask; ; slot = (slot + 1) & mask) {
      const place = this.#slots[slot]! - 1
      if (place === -1 || this.#pathAt(place) === path) return place
    }
  }

  #freeSlot(path: string): number {
    const mask = this.#slots.length - 1
    let slot = hash(path) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    return slot
  }

  #pathAt(place: number): string {
    return decoder.decode(this.#pathBytes.subarray(this.#pathStarts[place], this.#pathStarts[place + 1]))
  }
}

function hash(path: string): number {
  return Bun.hash.xxHash32(path)
}
