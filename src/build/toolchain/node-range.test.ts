import { expect, test } from 'bun:test'

import { nodeRange } from './node-range.ts'

test.each([
  ['20', '20'],
  [' v20.11.1 ', 'v20.11.1'],
  ['>=18 <21', '>=18 <21'],
  ['node', '*'],
  ['lts/iron', '20'],
  ['lts/Jod', '22'],
  ['lts', '24'],
  ['lts/*', '24'],
  ['--lts=hydrogen', '18'],
  ['lts/nothing', undefined],
  ['iojs', undefined],
  ['', undefined],
  ['20; true', undefined],
  ['9'.repeat(65), undefined],
])('%s', (text, range) => {
  expect(nodeRange(text)).toBe(range)
})
