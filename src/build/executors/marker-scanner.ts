export interface MarkerScanner {
  write(chunk: Uint8Array): void
  /** Hands over what was held back because it could have become a marker. */
  end(): void
}

/**
 * Separates the output of commands from the markers that the shell writes after each of them: byte 1, the session's
 * nonce, a space, the exit status, byte 2. The nonce alone is not enough to make one, so a command that prints all
 * variables of the shell, or all command lines of the machine, does not end by it.
 * @param onData called with the bytes of the output, in order, without the markers
 * @param onMarker called with the exit status, after all output that came before it
 */
export function scanForMarkers(
  nonce: string,
  onData: (bytes: Uint8Array) => void,
  onMarker: (exitCode: number) => void,
): MarkerScanner {
  const prefix = Buffer.from(`\x01${nonce} `)
  let held = Buffer.alloc(0)

  const deliver = (bytes: Buffer): void => {
    if (bytes.length > 0) onData(bytes)
  }
  return {
    write(chunk) {
      const bytes =
        held.length > 0
          ? Buffer.concat([held, chunk])
          : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      let from = 0
      for (;;) {
        const start = bytes.indexOf(prefix, from)
        const end = start < 0 ? -1 : bytes.indexOf(2, start + prefix.length)
        if (end < 0) {
          const keep = start < 0 ? startOfUnfinished(bytes, from, prefix) : start
          deliver(bytes.subarray(from, keep))
          held = Buffer.from(bytes.subarray(keep))
          return
        }
        deliver(bytes.subarray(from, start))
        onMarker(Number(bytes.toString('latin1', start + prefix.length, end)))
        from = end + 1
      }
    },
    end() {
      deliver(held)
      held = Buffer.alloc(0)
    },
  }
}

/** Where the beginning of a prefix lies at the end of the bytes, or their end. */
function startOfUnfinished(bytes: Buffer, from: number, prefix: Buffer): number {
  const start = bytes.lastIndexOf(1)
  if (start < from || bytes.length - start >= prefix.length) return bytes.length
  return prefix.subarray(0, bytes.length - start).equals(bytes.subarray(start)) ? start : bytes.length
}
