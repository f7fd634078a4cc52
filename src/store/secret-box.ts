import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** A stored secret does not open: it was sealed with another master key, or changed. */
export class UnreadableSecret extends Error {}

const tagBytes = 16

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
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagBytes })
    const ciphertext = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
    return ['v1', nonce, cipher.getAuthTag(), ciphertext]
      .map((part) => (typeof part === 'string' ? part : part.toString('base64url')))
      .join('.')
  }

  /** @throws {UnreadableSecret} when the text was changed or sealed with another master key */
  open<T>(sealed: string): T {
    const [version, nonce, tag, ciphertext, ...rest] = sealed.split('.')
    if (version !== 'v1' || !nonce || !tag || ciphertext === undefined || rest.length > 0) {
      throw new UnreadableSecret('A stored secret is not in the form that this version writes')
    }
    let text
    try {
      // Without its length Node takes a shorter tag too, which is easier to forge.
      const decipher = createDecipheriv('aes-256-gcm', this.#key, Buffer.from(nonce, 'base64url'), {
        authTagLength: tagBytes,
      })
      decipher.setAuthTag(Buffer.from(tag, 'base64url'))
      text = Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()])
    } catch (error) {
      throw new UnreadableSecret('A stored secret was sealed with another master key, or was changed', {
        cause: error,
      })
    }
    return JSON.parse(text.toString('utf8')) as T
  }
}
