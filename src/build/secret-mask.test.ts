import { expect, test } from 'bun:test'

import { basicAuthSecrets, secretMasks } from './secret-mask.ts'

function masked(secrets: string[], ...pieces: string[]): string {
  const mask = secretMasks(secrets)()
  return pieces.map((piece) => mask.write(piece)).join('') + mask.flush()
}

test('masks secrets, also in the forms that URLs and headers give them', () => {
  expect(masked(['s3cret/token'], 'a s3cret/token b s3cret%2Ftoken c')).toBe('a ****** b ****** c')
  expect(masked(['s3cret/token'], Buffer.from('s3cret/token').toString('base64'))).toBe('******')
})

test.each([1, 2, 3, 5, 7, 11])('masks a secret that comes in pieces of %i characters', (size) => {
  const text = 'before hunter22hunter22 hunter2 after'
  const pieces = text.match(new RegExp(`.{1,${size}}`, 'g'))!
  expect(masked(['hunter22'], ...pieces)).toBe('before ************ hunter2 after')
})

test('masks the longer of two secrets that begin alike', () => {
  expect(masked(['token', 'token-long'], 'token-long token')).toBe('****** ******')
})

test('leaves text alone where there is nothing to hide', () => {
  expect(masked(['', 'abc'], 'abc abc')).toBe('abc abc')
  expect(masked([], 'x')).toBe('x')
})

test('takes the password out of basic-auth credentials', () => {
  const credentials = Buffer.from('ada:correct horse').toString('base64')
  expect(basicAuthSecrets(credentials)).toEqual([credentials, 'ada:correct horse', 'correct horse'])
  expect(basicAuthSecrets(undefined)).toEqual([])
})
