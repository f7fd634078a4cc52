/**
 * Configuration of generators is program text, and running it would run the repository outside the sandbox. So it is read
 * as text: what is written as a literal is seen, what is computed is not.
 */

/** JavaScript or TypeScript without its comments. Takes time in proportion to the text, whatever it holds. */
export function withoutComments(text: string): string {
  let kept = ''
  let at = 0
  while (at < text.length) {
    const end = endOfPiece(text, at)
    if (!/^\/[/*]/.test(text.slice(at, at + 2))) kept += text.slice(at, end)
    at = end
  }
  return kept
}

/** Where the comment, the quoted text or the single character that begins here ends. */
function endOfPiece(text: string, at: number): number {
  const first = text[at]!
  if (text.startsWith('//', at)) return endAfter(text, '\n', at, 0)
  if (text.startsWith('/*', at)) return endAfter(text, '*/', at + 2, 2)
  if (first === '"' || first === "'" || first === '`') return endOfQuoted(text, at, first)
  return at + 1
}

function endAfter(text: string, mark: string, from: number, length: number): number {
  const found = text.indexOf(mark, from)
  return found === -1 ? text.length : found + length
}

function endOfQuoted(text: string, at: number, quote: string): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '\\') end++
    else if (text[end] === quote) return end + 1
    // Only templates go over lines. The quote was something else, as one in a regular expression.
    else if (text[end] === '\n' && quote !== '`') return end
  }
  return text.length
}

/** The literal that a member has somewhere in the text, as `outDir: 'build'`. */
export function literalOf(text: string, member: string): string | undefined {
  const found = new RegExp(
    String.raw`\b${member}["']?\s{0,20}:\s{0,20}(["'\x60])([^"'\x60\n]{1,200})\1`,
  ).exec(text)
  return found?.[2]
}

/** What a command gives for one of these flags, as `--out-dir build` or `--out-dir=build`. */
export function flagOf(command: string, flags: readonly string[]): string | undefined {
  const words = command.split(/[\s=]+/)
  const at = words.findIndex((word) => flags.includes(word))
  return at === -1 ? undefined : words[at + 1]?.replace(/^["']|["']$/g, '')
}

/**
 * The path of a folder as the repository has it, in its shortest form. Undefined where it leads out further than so many
 * folders, or holds what no ordinary name does.
 */
export function plainFolder(path: string, foldersAbove = 0): string | undefined {
  if (!/^[\w@.][\w@.+/-]{0,199}$/.test(path)) return undefined
  const parts: string[] = []
  let above = 0
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) above++
  }
  return above > foldersAbove ? undefined : [...Array<string>(above).fill('..'), ...parts].join('/')
}
