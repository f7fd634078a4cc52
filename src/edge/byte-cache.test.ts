import { expect, test } from 'bun:test'

import { createByteCache } from './byte-cache.ts'

const KiB = 1024

test('keeps what is used and forgets what is not, within its bound', () => {
  const cache = createByteCache(64 * KiB)
  cache.set('used', new Blob([new Uint8Array(KiB)]))
  for (let number = 0; number < 1000; number++) {
    cache.set(`once-${number}`, new Blob([new Uint8Array(KiB)]))
    expect(cache.get('used')).toBeDefined()
  }
  const kept = Array.from({ length: 1000 }, (_, number) => cache.get(`once-${number}`)).filter(Boolean)
  expect(kept.length).toBeLessThan(64)
  expect(cache.get('once-0')).toBeUndefined()
})

test('does not take what would push out everything else', () => {
  const cache = createByteCache(64 * KiB)
  const long = new Blob([new Uint8Array(17 * KiB)])
  expect(cache.fits(long)).toBe(false)
  cache.set('long', long)
  expect(cache.get('long')).toBeUndefined()
})
