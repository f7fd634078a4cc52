/**
 * What was worked out for texts that come again and again, some of which anybody may make up: so many of them, none longer than so
 * many characters. When it is full it begins anew, since all of it can be worked out again.
 */
export class Remembered<Value> {
  readonly #known = new Map<string, Value>()
  readonly #entriesMax: number
  readonly #charactersMax: number

  constructor({ entriesMax, charactersMax }: { entriesMax: number; charactersMax: number }) {
    this.#entriesMax = entriesMax
    this.#charactersMax = charactersMax
  }

  get(text: string): Value | undefined {
    return this.#known.get(text)
  }

  /** @returns the value, whether it is kept or not */
  set(text: string, value: Value): Value {
    if (text.length > this.#charactersMax) return value
    if (this.#known.size >= this.#entriesMax) this.#known.clear()
    this.#known.set(text, value)
    return value
  }
}
