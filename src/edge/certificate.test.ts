import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { readCertificate, UnusableCertificate } from './certificate.ts'

const folder = mkdtempSync(join(tmpdir(), 'preamp-certificate-'))
const fixture = (name: string) => join(import.meta.dir, '../../test/fixtures/tls', name)
const garbage = join(folder, 'garbage')
writeFileSync(garbage, 'no certificate')
afterAll(() => rmSync(folder, { recursive: true }))

test('a certificate and its key are read as they are', () => {
  const { cert, key } = readCertificate({ certFile: fixture('renewed.crt'), keyFile: fixture('renewed.key') })
  expect(cert).toStartWith('-----BEGIN CERTIFICATE')
  expect(key).toStartWith('-----BEGIN PRIVATE KEY')
})

test.each([
  ['localhost.crt', 'renewed.key', 'is not the one of the certificate'],
  ['missing.crt', 'renewed.key', 'cannot be read'],
])('%s with %s: the reason is told', (cert, key, reason) => {
  const read = () => readCertificate({ certFile: fixture(cert), keyFile: fixture(key) })
  expect(read).toThrow(UnusableCertificate)
  expect(read).toThrow(reason)
})

test('a file that holds something else is named', () => {
  const keyFile = fixture('renewed.key')
  expect(() => readCertificate({ certFile: garbage, keyFile })).toThrow(`${garbage} holds no certificate`)
  expect(() => readCertificate({ certFile: fixture('renewed.crt'), keyFile: garbage })).toThrow(
    `${garbage} holds no private key`,
  )
})
