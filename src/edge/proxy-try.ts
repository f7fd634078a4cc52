import { limits } from '../model/limits.ts'

/** How long a server behind us may take before it is worth a look whether the visitor still waits. */
const promptMilliseconds = 50

/**
 * Ends a request to a server behind us when it is late, and when the visitor has gone. To ask Bun for the signal of the visitor's
 * request costs a fifth of all that a request to that server costs: who is answered promptly does not pay for it.
 */
export class ProxyTry {
  readonly #controller = new AbortController()
  readonly #request: Request
  readonly #milliseconds: number
  #timer: NodeJS.Timeout

  /** @param milliseconds within which the answer is to begin */
  constructor(request: Request, milliseconds = limits.proxyTrySecondsMax * 1000) {
    this.#request = request
    this.#milliseconds = milliseconds
    this.#timer = setTimeout(() => this.#wait(), Math.min(promptMilliseconds, milliseconds))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** From now on the visitor's leaving ends it. */
  follow(): void {
    const { signal } = this.#request
    if (signal.aborted) this.#controller.abort(signal.reason)
    else signal.addEventListener('abort', () => this.#controller.abort(signal.reason), { once: true })
  }

  /** The answer has begun, or there is none. */
  settle(): void {
    clearTimeout(this.#timer)
  }

  #wait(): void {
    this.follow()
    this.#timer = setTimeout(
      () => this.#controller.abort(new DOMException('no answer', 'TimeoutError')),
      this.#milliseconds - promptMilliseconds,
    )
  }
}
