/**
 * One line on standard error that tells how far something is; where that is no terminal, only its beginning and end.
 * Nothing is shown before the first step, so that what is refused at once is not announced.
 */
export class Progress {
  readonly #label: string
  readonly #total: number
  #begun = false

  constructor(label: string, total: number) {
    this.#label = label
    this.#total = total
  }

  show(done: number): void {
    if (!process.stderr.isTTY) {
      if (!this.#begun) console.error(`${this.#label} …`)
      this.#begun = true
      return
    }
    const share = this.#total === 0 ? 100 : Math.floor((done / this.#total) * 100)
    process.stderr.write(`\r\x1b[K${this.#label} … ${share} %`)
  }

  end(result: string): void {
    console.error(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${this.#label}: ${result}`)
  }
}
