import { settings } from '../config.ts'

/**
 * Variables that look like settings and are none, which a mistyped name is.
 * @returns a sentence for each, with the setting that was meant where one is near
 */
export function unknownVariables(environment: Record<string, string | undefined>): string[] {
  const known = Object.values(settings).map(({ variable }) => variable)
  return Object.keys(environment)
    .filter((name) => name.startsWith('PREAMP_') && !known.includes(name))
    .toSorted()
    .map((name) => {
      const near = nearest(name, known)
      return `${name} is no setting and has no effect.${near === undefined ? '' : ` Is ${near} meant?`} docs/configuration.md has every setting.`
    })
}

/** A third of a name may differ: beyond that any name is as near as another. */
function nearest(name: string, known: string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .toSorted((a, b) => a.distance - b.distance)
  const [first] = ranked
  return first && first.distance <= (name.length - 'PREAMP_'.length) / 3 ? first.candidate : undefined
}

/** Letters to insert, remove or replace until one text is the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [line, letter] of from.split('').entries()) {
    const next = [line + 1]
    for (const [column, other] of to.split('').entries()) {
      const replaced = row[column]! + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, row[column + 1]! + 1, next[column]! + 1))
    }
    row = next
  }
  return row.at(-1)!
}
