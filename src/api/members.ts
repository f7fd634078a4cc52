/** An object without its members that are undefined: what is stored is absent, never undefined. */
export function defined<Value extends object>(members: {
  [Key in keyof Value]: Value[Key] | undefined
}): Value {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Value
}

/** A text whose `""` changes nothing, like an absent one. */
export const orUnchanged = (sent: string | undefined, current: string | undefined) => sent || current

/** A text whose `""` clears it, and whose absence changes nothing. */
export const orCleared = (sent: string | undefined, current: string | undefined) =>
  sent === undefined ? current : sent || undefined
