import { RuleIgnored } from './source.ts'

/** What a rule's `target` is made of: texts as they stand in URLs, with the name of a value between each two. */
export interface RuleTarget {
  /** `https://example.com`, as it is written; undefined for the host that was asked. */
  origin: string | undefined
  path: Template
  /** With its `?`, where there is one. */
  query: Template
  /** With its `#`, where there is one. */
  fragment: Template
}

export interface Template {
  texts: string[]
  /** As they are written: `<name>`, `<*>`, `$1`. */
  names: string[]
}

/**
 * @param hasGroups whether `$1` is the value of that name
 * @throws {RuleIgnored} for a text that leads nowhere
 */
export function parseTarget(target: string, hasGroups = false): RuleTarget {
  const parse = (text: string): Template =>
    parseTemplate(text, hasGroups ? /(<[^<>]+>|\$[0-9])/ : /(<[^<>]+>)/)
  const [, origin, path = '', query = '', fragment = ''] =
    /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(target) ?? []
  if (origin !== undefined && !/^https?:\/\/[a-z0-9.:[\]_-]+$/i.test(origin)) {
    throw new RuleIgnored('Its target names a host in a way that no browser can follow.')
  }
  if (origin === undefined && !/^[/?#]/.test(target)) {
    throw new RuleIgnored('Its target is neither a path (/…) nor an address (https://…).')
  }
  return { origin, path: parse(path), query: parse(query), fragment: parse(fragment) }
}

function parseTemplate(text: string, name: RegExp): Template {
  const pieces = text.split(name)
  return {
    texts: pieces.filter((_, index) => index % 2 === 0).map(encodeText),
    names: pieces.filter((_, index) => index % 2 === 1),
  }
}

/** Percent-encodes what may not stand in a URL, a line break above all, and leaves what is encoded already. */
function encodeText(text: string): string {
  return text.toWellFormed().replace(/[^\w!#$&'()*+,\-./:;=?@[\]~%]|%(?![0-9a-f]{2})/giu, encodeURIComponent)
}

/**
 * @param values by name, as it is written: `<name>`; a name that has none stands for itself
 * @param encode makes of a value, which can stand in a path, what can stand here
 */
export function fill(
  { texts, names }: Template,
  values: ReadonlyMap<string, string>,
  encode = (value: string) => value,
): string {
  return texts.reduce((before, text, index) => {
    const name = names[index - 1]!
    const value = values.get(name)
    return before + (value === undefined ? encodeText(name) : encode(value)) + text
  })
}

/** Characters of what a target becomes, or a little more. */
export function filledLength(
  { path, query, fragment }: RuleTarget,
  values: ReadonlyMap<string, string>,
): number {
  let length = 0
  for (const { texts, names } of [path, query, fragment]) {
    for (const text of texts) length += text.length
    // A name that has no value is encoded.
    for (const name of names) length += values.get(name)?.length ?? 4 * name.length
  }
  return length
}

/** A path with one slash at its beginning: a second one, or a backslash, would make the host of another site of what follows. */
export function onThisHost(path: string): string {
  return `/${path.replace(/^[/\\]+/, '')}`
}
