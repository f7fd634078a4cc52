/** One line on standard error that tells how far something is; where that is no terminal, only its beginning and end. */
export class Progress {
  readonly #label: string
  readonly #total: number

  constructor(label: string, total: number) {
    this.#label = label
    this.#total = total
    if (process.stderr.isTTY) this.show(0)
    else console.error(`${label} …`)
  }

  show(done: number): void {
    if (!process.stderr.isTTY) return
    const share = this.#total === 0 ? 100 : Math.floor((done / this.#total) * 100)
    process.stderr.write(`\r\x1b[K${this.#label} … ${share} %`)
  }

  end(result: string): void {
    console.error(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${this.#label}: ${result}`)
  }
}
