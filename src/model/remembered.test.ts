import { expect, test } from 'bun:test'

import { Remembered } from './remembered.ts'

test('keeps so many texts, and none that is too long', () => {
  const lengths = new Remembered<number>({ entriesMax: 2, charactersMax: 3 })
  expect(lengths.get('one')).toBeUndefined()
  expect(lengths.set('one', 3)).toBe(3)
  expect(lengths.set('three', 5)).toBe(5)
  lengths.set('two', 3)
  expect(['one', 'two', 'three'].map((text) => lengths.get(text))).toEqual([3, 3, undefined])
  lengths.set('six', 3)
  expect(['one', 'two', 'six'].map((text) => lengths.get(text))).toEqual([undefined, undefined, 3])
})
