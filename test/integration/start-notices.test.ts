import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'

import { freePorts } from '../support/free-ports.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'

/** What a server says at its start of settings that will not do what was meant. */

const tls = join(import.meta.dir, '../fixtures/tls/renewed')

let preamp: TestPreamp
beforeAll(async () => {
  preamp = await startPreamp({
    environment: {
      PREAMP_TRUSTED_PROXYS: '127.0.0.1',
      PREAMP_TLS_CERT_FILE: `${tls}.crt`,
      PREAMP_TLS_KEY_FILE: `${tls}.key`,
      PREAMP_SITES_TLS_PORT: String(freePorts(1)[0]),
    },
  })
})
afterAll(() => preamp.stop())

test('a variable that is no setting is named, with the one that is meant', () => {
  expect(preamp.output()).toContain(
    'PREAMP_TRUSTED_PROXYS is no setting and has no effect. Is PREAMP_TRUSTED_PROXIES meant?',
  )
})

test('a certificate that is for no site is named, with what it is for', () => {
  expect(preamp.output()).toContain(
    `The certificate in ${tls}.crt is for *.localhost, localhost alone, and no site has such a host`,
  )
})
