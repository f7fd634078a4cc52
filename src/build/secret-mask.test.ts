import { expect, test } from 'bun:test'

import { basicAuthSecrets, secretMasks } from './secret-mask.ts'

function masked(secrets: string[], ...pieces: string[]): string {
  const mask = secretMasks(secrets)()
  return pieces.map((piece) => mask.write(piece)).join('') + mask.flush()
}

/** The text in pieces of every small size. */
const splits = (text: string) =>
  [1, 2, 3, 5, 7, 11, text.length].map((size) => text.match(new RegExp(`.{1,${size}}`, 'gs'))!)

const escapeUnicode = (letter: string) => `\\u00${letter.charCodeAt(0).toString(16)}`

const privateKey = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkq/hkiG9w0+AQEF\n'.repeat(3)}}\n-----END PRIVATE KEY-----\n`
const awkward = 's3cr3t/ "täst"\t$it\'s+100%\\'

test('masks a secret in one piece or in many, and what is beside it stays', () => {
  for (const pieces of splits('before hunter22 and hunter22hunter22 hunter2 after')) {
    expect(masked(['hunter22'], ...pieces)).toBe('before ****** and ****** hunter2 after')
  }
})

test.each<[string, (secret: string) => string]>([
  ['as it is', (secret) => secret],
  ['in an address', encodeURIComponent],
  ['in a form', (secret) => new URLSearchParams({ a: secret }).toString().slice(2)],
  [
    'in an address with small digits',
    (secret) => encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
  ],
  ['in JSON', (secret) => JSON.stringify(secret).slice(1, -1)],
  ['in JSON in JSON', (secret) => JSON.stringify(JSON.stringify(secret)).slice(3, -3)],
  ['in JSON as PHP writes it', (secret) => JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/')],
  ['in ASCII JSON', (secret) => JSON.stringify(secret).slice(1, -1).replace(/[äéø]/g, escapeUnicode)],
  ['in base64', (secret) => Buffer.from(secret).toString('base64')],
  ['in base64url', (secret) => Buffer.from(secret).toString('base64url')],
])('masks a secret %s', (_how, write) => {
  for (const secret of [awkward, 'hunter22', 'a', 'tøken-längér', `${awkward}?>~`].filter(
    ({ length }) => length > 3,
  )) {
    const text = write(secret)
    for (const pieces of splits(`<${text}>`)) expect(masked([secret], ...pieces)).toBe('<******>')
  }
})

test('masks a secret in base64 wherever it stands in what was encoded', () => {
  for (const secret of ['hunter22', awkward, 'x!~>?y'])
    for (const before of ['', 'a', 'ab', 'abc', 'user:'])
      for (const after of ['', '\n', 'zz', '@host'])
        for (const form of ['base64', 'base64url'] as const) {
          const text = Buffer.from(`${before}${secret}${after}`).toString(form)
          const shown = masked([secret], text)
          expect(shown).toContain('******')
          // At both ends a character may be left that holds some bits of the neighbour.
          const beside =
            Buffer.from(before).toString('base64').length + Buffer.from(after).toString('base64').length
          expect(shown.length - 6).toBeLessThanOrEqual(beside + 4)
        }
})

test('masks a secret that is split over lines, and keeps the lines', () => {
  for (const pieces of splits('a hunt\ner2\n2 b'))
    expect(masked(['hunter22'], ...pieces)).toBe('a ******\n******\n****** b')
  const wrapped = Buffer.from(privateKey).toString('base64').replace(/.{76}/g, '$&\n')
  expect(masked([privateKey], `<${wrapped}>`)).toMatch(/^<(\*{6}\n){2,}\*{6}>$/)
  expect(masked(['hunter22'], 'a hunt\r\ner22 b', '\0 hun\u0007ter22')).toBe('a ******\n****** b\0 ******')
})

test('masks each line of a secret that is long enough', () => {
  for (const line of privateKey.split('\n').filter(({ length }) => length > 8)) {
    expect(masked([privateKey], `key: ${line};`)).toBe('key: ******;')
  }
  expect(masked([privateKey], '} else {')).toBe('} else {')
  expect(masked([privateKey], privateKey)).toMatch(/^(\*{6}\n){5,6}$/)
})

test('masks secrets that overlap, begin alike or hold each other', () => {
  for (const pieces of splits('token-long token tokentoken-lon ab1234567cd')) {
    expect(masked(['token', 'token-long', 'ab1234', '34567cd'], ...pieces)).toBe(
      '****** ****** ******-lon ******',
    )
  }
})

test('keeps back at a pause what tells of a secret, and masks the rest of what it had to show', () => {
  const mask = secretMasks(['hunter22'])()
  expect(mask.write('line h\n')).toBe('line ')
  expect(mask.keeps()).toBe(true)
  expect(mask.pause()).toBe('h\n')
  expect(mask.keeps()).toBe(false)
  expect(mask.write('unter22 ')).toBe('****** ')
  expect(mask.write('hunt')).toBe('')
  expect(mask.pause()).toBe('')
  expect(mask.write('er')).toBe('')
  expect(mask.write('x')).toBe('hunterx')
})

test('shows at a pause that there was a secret, although a longer one may come', () => {
  const mask = secretMasks(['token', 'token-long'])()
  expect(mask.write('the token\n')).toBe('the ')
  expect(mask.pause()).toBe('******\n')
  expect(mask.write('-long;')).toBe('******;')
})

test('leaves text alone where there is nothing to hide', () => {
  expect(masked(['', 'abc'], 'abc abc YWJj')).toBe('abc abc YWJj')
  expect(masked([], 'x')).toBe('x')
})

test('takes no longer where secrets and text are made to cost much', () => {
  const secrets = Array.from({ length: 8 }, (_, index) => `${'a'.repeat(4000)}${index}`)
  const mask = secretMasks(secrets)()
  const begin = performance.now()
  for (let piece = 0; piece < 16; piece++) mask.write('a'.repeat(64 * 1024))
  expect(performance.now() - begin).toBeLessThan(2000)
})

test('takes the password out of basic-auth credentials', () => {
  const credentials = Buffer.from('ada:correct horse').toString('base64')
  expect(basicAuthSecrets(credentials)).toEqual([credentials, 'ada:correct horse', 'correct horse'])
  expect(basicAuthSecrets(undefined)).toEqual([])
})
