/** Of a wrong pair nothing is told by the verifier, and of the right one nothing without the key. */
const hash = 'sha256'

/**
 * What the edges compare instead of the credentials of a site, which they need not know (contract/hosting-behaviour.md §6.5).
 * @param credentials base64 of `user:password`
 */
export function credentialsVerifier(credentials: string, key: Uint8Array): Uint8Array {
  return new Bun.CryptoHasher(hash, key).update(Buffer.from(credentials, 'base64')).digest()
}

/** The same as the column `basicAuth` of an app or a branch has it: in base64url, empty where nobody has credentials. */
export function storedVerifier(credentials: string | undefined, key: Uint8Array): string {
  return credentials === undefined
    ? ''
    : Buffer.from(credentialsVerifier(credentials, key)).toString('base64url')
}

/** Whether credentials are base64 of a name and a password with a colon between them: browsers send nothing else. */
export function arePair(credentials: string): boolean {
  const written = credentials.replaceAll(/\s/g, '')
  return /^[\w+/-]+={0,2}$/.test(written) && Buffer.from(written, 'base64').includes(':')
}

/** What is kept as the credentials of an app or a branch: saved are any, as on AWS. `none` and `no-pair` let nobody in. */
export type CredentialsState = 'pair' | 'no-pair' | 'none' | 'unreadable'
