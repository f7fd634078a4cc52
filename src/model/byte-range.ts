/** Positions of the first byte and of the one after the last. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * Reads a Range header (RFC 9110 §14). One range is honoured; a header with several, in another unit or malformed is ignored,
 * as §14.2 lets a server do: many small overlapping ranges are a known attack, and hardly any client sends them.
 * @param size of the whole in bytes
 */
export function parseRange(header: string, size: number): ByteRange | 'ignored' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header.replace(/[ \t]/g, ''))
  const [, first = '', last = ''] = match ?? []
  if (first === '' && last === '') return 'ignored'
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return 'ignored'
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}
