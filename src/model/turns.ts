/** Lets work with one name happen one after the other, in the order in which it was asked for. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /**
   * Does the work when all that was asked for under the name before has ended, however it ended.
   * @param signal ends the wait with its reason, but no work that has begun
   */
  take<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    let begun = false
    const turn = (this.#last.get(name) ?? Promise.resolve()).then(() => {
      signal?.throwIfAborted()
      begun = true
      return work()
    })
    const ended = turn
      .catch(() => undefined)
      .finally(() => {
        if (this.#last.get(name) === ended) this.#last.delete(name)
      })
    this.#last.set(name, ended)
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        if (!begun) reject(signal?.reason)
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      if (signal?.aborted) giveUp()
      turn.then(resolve, reject).finally(() => signal?.removeEventListener('abort', giveUp))
    })
  }
}
