/**
 * A part of the server that is opened when it is first asked for: the API listens before the parts that take longer to
 * start, and whoever needs one of those waits for it.
 */
export class LatePart<Part> {
  readonly #open: () => Promise<Part>
  readonly #close: (part: Part) => Promise<void>
  #opened: Promise<Part> | undefined

  constructor(open: () => Promise<Part>, close: (part: Part) => Promise<void>) {
    this.#open = open
    this.#close = close
  }

  /** Opens the part at the first call. Every caller meets the error of one that cannot be opened. */
  get(): Promise<Part> {
    if (!this.#opened) {
      this.#opened = this.#open()
      // Whoever waits for it meets it; where nobody does, it must not end the process.
      this.#opened.catch(() => undefined)
    }
    return this.#opened
  }

  /** Closes what was opened, when it has finished opening. A part that could not be opened has cleared up behind itself. */
  async close(): Promise<void> {
    const part = await this.#opened?.catch(() => undefined)
    if (part !== undefined) await this.#close(part)
  }
}
