import type { ManifestFile } from '../model/manifest.ts'

const shaBytes = 32

/**
 * The files of a deployment by path, in a few arrays: as objects they would take several times the memory, and a process holds
 * thousands of deployments. It never changes.
 */
export class FileTable {
  readonly size: number
  /** Of all paths, one after the other. */
  readonly #paths: Buffer
  /** Where each path begins in those; one more than there are files. */
  readonly #starts: Uint32Array
  readonly #shas: Buffer
  readonly #sizes: Float64Array
  /** Places of files by the hash of their path, from 1; 0 is free. A collision goes to the next slot. */
  readonly #slots: Uint32Array
  readonly #pathEncoding: 'latin1' | 'utf8'
  /** Whoever has asked whether there is a file asks for it next. */
  #found = { path: '', place: -1 }

  constructor(files: Record<string, ManifestFile>) {
    const paths = Object.keys(files)
    this.size = paths.length
    this.#starts = new Uint32Array(paths.length + 1)
    for (const [place, path] of paths.entries()) {
      this.#starts[place + 1] = this.#starts[place]! + Buffer.byteLength(path)
    }
    const characters = paths.reduce((sum, path) => sum + path.length, 0)
    // Where each character is a byte, all are ASCII, which takes less to read.
    this.#pathEncoding = characters === this.#starts[paths.length] ? 'latin1' : 'utf8'
    this.#paths = Buffer.allocUnsafeSlow(this.#starts[paths.length]!)
    this.#shas = Buffer.allocUnsafeSlow(paths.length * shaBytes)
    this.#sizes = new Float64Array(paths.length)
    // Half of the slots at the least are free, so that a look-up ends after one or two.
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(paths.length, 1) * 2)))
    for (const [place, path] of paths.entries()) {
      const { sha, size } = files[path]!
      this.#paths.write(path, this.#starts[place]!, 'utf8')
      this.#shas.write(sha, place * shaBytes, 'hex')
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
    const sha = this.#shas.toString('hex', place * shaBytes, (place + 1) * shaBytes)
    return { sha, size: this.#sizes[place]! }
  }

  #find(path: string): number {
    const known = this.#found
    if (known.place !== -1 && known.path === path) return known.place
    const mask = this.#slots.length - 1
    for (let slot = Bun.hash.xxHash32(path) & mask; ; slot = (slot + 1) & mask) {
      const place = this.#slots[slot]! - 1
      if (place === -1) return -1
      if (this.#pathAt(place) !== path) continue
      known.path = path
      known.place = place
      return place
    }
  }

  #freeSlot(path: string): number {
    const mask = this.#slots.length - 1
    let slot = Bun.hash.xxHash32(path) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    return slot
  }

  #pathAt(place: number): string {
    return this.#paths.toString(this.#pathEncoding, this.#starts[place], this.#starts[place + 1])
  }
}
