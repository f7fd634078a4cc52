import { type RequestBudget, spend } from './pattern/bounded-search.ts'
import { encodeInSegment } from './request-path.ts'

/**
 * One segment of a rule's source, `page-<number>.html`: texts with a placeholder between each two, named as it is written. There
 * is one text more than there are names.
 */
export interface SegmentPattern {
  texts: string[]
  names: string[]
}

/** Reads `<name>`s; a `<` without its `>` is a character like any other. */
export function parseSegment(source: string): SegmentPattern {
  const pieces = source.split(/(<[^<>]+>)/)
  return {
    texts: pieces.filter((_, index) => index % 2 === 0).map((text) => text.normalize('NFC')),
    names: pieces.filter((_, index) => index % 2 === 1),
  }
}

/** What it takes to look at a placeholder, which is far away in memory where there are thousands of rules. */
const placeholderSteps = 4
/** Characters that are searched in the time of a step, and of those that are encoded. */
const searchedInStep = 64
const encodedInStep = 4

/**
 * Matches a whole segment. A placeholder takes one character at the least, and as few as it can before the text that follows,
 * so that each character is looked at once.
 * @param taken to which what the placeholders took is added, ready for a URL; without it nothing is made
 */
export function matchSegment(
  { texts, names }: SegmentPattern,
  segment: string,
  budget: RequestBudget,
  taken?: { raw: string; values: Map<string, string> },
): boolean {
  const first = texts[0]!
  if (!spend(budget, 1)) return false
  if (names.length === 0) return segment === first
  const last = texts.at(-1)!
  const end = segment.length - last.length
  if (first !== '' && !segment.startsWith(first)) return false
  if (last !== '' && !segment.endsWith(last)) return false
  let start = first.length
  for (let index = 0; index < names.length; index++) {
    const isLast = index === names.length - 1
    const until = isLast ? end : segment.indexOf(texts[index + 1]!, start + 1)
    const looked = (until === -1 ? end : until) - start
    if (!spend(budget, placeholderSteps + (isLast ? 0 : looked / searchedInStep))) return false
    if (until <= start || until > end) return false
    const name = names[index]!
    if (taken && !taken.values.has(name)) {
      if (!spend(budget, 1 + (until - start) / encodedInStep)) return false
      taken.values.set(name, takenText(segment, taken.raw, start, until))
    }
    start = until + texts[index + 1]!.length
  }
  return true
}

/** As the visitor has written it, where that can be told. */
export function takenText(segment: string, raw: string, start: number, end: number): string {
  if (segment === raw || (start === 0 && end === segment.length))
    return raw.slice(start, segment === raw ? end : undefined)
  return encodeInSegment(segment.slice(start, end))
}
