import { expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'

import { SecretBox, UnreadableSecret } from './secret-box.ts'

const masterKey = randomBytes(32)
const box = new SecretBox(masterKey)

test.each<unknown>([
  '',
  'secret',
  'grüße 🌍',
  { accessToken: 'a', nested: [1, null] },
  null,
  'x'.repeat(100_000),
])('opens what it sealed: %j', (value) => {
  expect(box.open<unknown>(box.seal(value))).toEqual(value)
  expect(new SecretBox(Buffer.from(masterKey)).open<unknown>(box.seal(value))).toEqual(value)
})

test('never seals the same way twice, and shows nothing of the value', () => {
  const sealed = box.seal('correct horse battery staple')
  expect(box.seal('correct horse battery staple')).not.toBe(sealed)
  expect(sealed).not.toContain('horse')
  expect(Buffer.from(sealed.split('.')[3]!, 'base64url').toString()).not.toContain('horse')
})

test('does not open what another master key sealed', () => {
  expect(() => new SecretBox(randomBytes(32)).open(box.seal('secret'))).toThrow(UnreadableSecret)
})

test('does not open what was changed, in whichever part', () => {
  const parts = box.seal('secret').split('.')
  for (const index of [1, 2, 3]) {
    const bytes = Buffer.from(parts[index]!, 'base64url')
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      const text = parts.with(index, changed.toString('base64url')).join('.')
      expect(() => box.open(text)).toThrow(UnreadableSecret)
    }
  }
})

test('does not take a shorter tag, or another’s', () => {
  const [version, nonce, tag, ciphertext] = box.seal('secret').split('.')
  for (const bytes of [4, 8, 12, 15]) {
    const short = Buffer.from(tag!, 'base64url').subarray(0, bytes).toString('base64url')
    expect(() => box.open([version, nonce, short, ciphertext].join('.'))).toThrow(UnreadableSecret)
  }
  const otherTag = box.seal('other').split('.')[2]
  expect(() => box.open([version, nonce, otherTag, ciphertext].join('.'))).toThrow(UnreadableSecret)
})

test.each([
  '',
  'secret',
  'v1',
  'v1..',
  'v1...',
  'v2.a.b.c',
  'v1.a.b.c',
  'v1.a.b.c.d',
  '{"accessToken":"plain"}',
])('refuses %j, which nobody sealed', (text) => {
  expect(() => box.open(text)).toThrow(UnreadableSecret)
})

test('derives a key for each purpose, always the same one', () => {
  const keys = ['secrets', 'transfer-urls', ''].map((purpose) => box.deriveKey(purpose))
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(3)
  for (const key of keys) {
    expect(key.byteLength).toBe(32)
    expect(key.equals(masterKey)).toBe(false)
  }
  expect(new SecretBox(Buffer.from(masterKey)).deriveKey('transfer-urls')).toEqual(keys[1]!)
})
