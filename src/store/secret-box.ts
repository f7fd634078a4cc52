import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** Encrypts what must not lie on disk in the clear, with keys derived from the master key. */
export class SecretBox {
  readonly #masterKey: Buffer
  readonly #key: Buffer

  constructor(masterKey: Buffer) {
    this.#masterKey = masterKey
    this.#key = this.deriveKey('secrets')
  }

  /** A 32-byte key for one purpose; knowing it tells nothing about the master key or other purposes' keys. */
  deriveKey(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#masterKey, '', `preamp:${purpose}`, 32))
  }

  /** AES-256-GCM; the text form is `v1.<nonce>.<tag>.<ciphertext>` in base64url. */
  seal(value: unknown): string {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    const ciphertext = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
    return ['v1', nonce, cipher.getAuthTag(), ciphertext]
      .map((part) => (typeof part === 'string' ? part : part.toString('base64url')))
      .join('.')
  }

  /** @throws when the text was changed or sealed with another master key */
  open<T>(sealed: string): T {
    const [version, nonce, tag, ciphertext] = sealed.split('.')
    if (version !== 'v1' || nonce === undefined || tag === undefined || ciphertext === undefined) {
      throw new Error('A stored secret is not in the form that this version writes')
    }
    const decipher = createDecipheriv('aes-256-gcm', this.#key, Buffer.from(nonce, 'base64url'))
    decipher.setAuthTag(Buffer.from(tag, 'base64url'))
    const text = Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()])
    return JSON.parse(text.toString('utf8')) as T
  }
}
