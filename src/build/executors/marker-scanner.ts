export interface MarkerScanner {
  write(chunk: Uint8Array): void
  /** Hands over what was held back because it could have become a marker. */
  end(): void
}

/** Of the exit status in a marker. */
const statusDigitsMax = 3

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
        const status = start + prefix.length
        const room = bytes.subarray(status, status + statusDigitsMax + 1)
        const digits = start < 0 ? -1 : room.indexOf(2)
        if (digits >= 0) {
          deliver(bytes.subarray(from, start))
          onMarker(Number(room.toString('latin1', 0, digits)))
          from = status + digits + 1
        } else if (start >= 0 && room.length > statusDigitsMax) {
          // A command that knows the nonce began a marker and did not end it: nothing more is held back for it.
          deliver(bytes.subarray(from, status))
          from = status
        } else {
          const keep = start < 0 ? startOfUnfinished(bytes, from, prefix) : start
          deliver(bytes.subarray(from, keep))
          held = Buffer.from(bytes.subarray(keep))
          return
        }
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
