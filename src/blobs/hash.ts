/** The SHA-256 of bytes, in hex: the name that they have as a blob. */
export function hashOf(bytes: Uint8Array | string): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
}

/** The same of a file, which is read piece by piece. */
export async function hashOfFile(file: Blob): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256')
  for await (const piece of file.stream()) hasher.update(piece)
  return hasher.digest('hex')
}
