/**
 * What is made of a text, for all that have the same text, as long as one of them has it: what nobody has any more is freed,
 * whoever made it.
 */
export class Shared<Made extends object> {
  readonly #made = new Map<string, WeakRef<Made>>()
  readonly #freed = new FinalizationRegistry((key: string) => {
    // Another one may have been made in the meantime.
    if (this.#made.get(key)?.deref() === undefined) this.#made.delete(key)
  })

  get(key: string, make: () => Made): Made {
    const known = this.#made.get(key)?.deref()
    if (known) return known
    const made = make()
    this.#made.set(key, new WeakRef(made))
    this.#freed.register(made, key)
    return made
  }
}
