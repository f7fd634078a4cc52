import { write } from 'node:fs'

import { hasCode } from '../../model/error-code.ts'

/**
 * Writes a text or bytes to a socket whose other end may read slowly, or be gone.
 * @param isOver asked before each write: whether nobody waits for the rest any more
 * @returns whether it was written to the end
 */
export async function writeAll(
  descriptor: number,
  content: string | Uint8Array,
  isOver: () => boolean,
): Promise<boolean> {
  const bytes = Buffer.from(content)
  let written = 0
  while (written < bytes.length) {
    if (isOver()) return false
    try {
      written += await writeSome(descriptor, bytes.subarray(written))
    } catch (error) {
      if (hasCode(error, 'EPIPE', 'ECONNRESET')) return false
      if (!hasCode(error, 'EAGAIN')) throw error
      await Bun.sleep(1)
    }
  }
  return true
}

function writeSome(descriptor: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, (error, count) => (error ? reject(error) : resolve(count)))
  })
}
