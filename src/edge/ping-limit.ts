import { limits } from '../model/limits.ts'

/** Counts the pings of a server behind us: each is answered, and without end nobody else would be served meanwhile. */
export class PingLimit {
  #since = -Infinity
  #count = 0

  /** @returns whether it pings too often */
  isMet(): boolean {
    if (performance.now() - this.#since > 1000) {
      this.#since = performance.now()
      this.#count = 0
    }
    this.#count += 1
    return this.#count > limits.proxyPingsPerSecondMax
  }
}
