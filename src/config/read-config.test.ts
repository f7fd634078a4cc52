import { describe, expect, test } from 'bun:test'
import { resolve } from 'node:path'

import { type SettingName, settings } from '../config.ts'
import { UsageError } from '../usage-error.ts'
import { isSecret } from './flags.ts'
import { readConfig } from './read-config.ts'

/** What is said of settings that do not fit; empty for those that do. */
function problemOf(environment: Record<string, string>): string {
  try {
    readConfig(environment)
    return ''
  } catch (error) {
    return String(error)
  }
}

describe('readConfig', () => {
  test('the documented defaults hold', () => {
    expect(readConfig({})).toMatchObject({
      host: '127.0.0.1',
      apiPort: 4700,
      sitesPort: 4780,
      dataDir: resolve('.preamp'),
      accountId: '000000000000',
      region: 'us-east-1',
    })
  })

  test('the compute types are those of Amplify, and can be set', () => {
    const GiB = 1024 ** 3
    const environment = { PREAMP_COMPUTE_LARGE: '6/12/100' }
    expect(readConfig(environment)).toMatchObject({
      computeStandard: { cpus: 4, memoryBytes: 8 * GiB, diskBytes: 128 * GiB },
      computeLarge: { cpus: 6, memoryBytes: 12 * GiB, diskBytes: 100 * GiB },
      computeXLarge: { cpus: 36, memoryBytes: 72 * GiB, diskBytes: 256 * GiB },
    })
    expect(() => readConfig({ PREAMP_COMPUTE_LARGE: '6/12' })).toThrow(
      /PREAMP_COMPUTE_LARGE="6\/12": must be processors/,
    )
  })

  test('a flag goes before the environment, the environment before the default', () => {
    const environment = { PREAMP_API_PORT: '4001', PREAMP_SITES_PORT: '4002' }
    expect(readConfig(environment, { apiPort: '5001' })).toMatchObject({ apiPort: 5001, sitesPort: 4002 })
  })

  test('an empty variable counts as not set', () => {
    expect(readConfig({ PREAMP_API_PORT: '', PREAMP_DATABASE_URL: '' })).toMatchObject({ apiPort: 4700 })
  })

  test('every wrong setting is named at once, with the reason', () => {
    const wrong = { PREAMP_API_PORT: 'x', PREAMP_ACCOUNT_ID: '12', PREAMP_DATABASE_URL: 'mysql://h/d' }
    expect(() => readConfig(wrong)).toThrow(UsageError)
    expect(() => readConfig(wrong)).toThrow(
      /PREAMP_API_PORT[^]*PREAMP_DATABASE_URL[^]*PREAMP_ACCOUNT_ID.*12 digits/,
    )
  })

  test('a secret that does not fit is not shown', () => {
    const wrong = { PREAMP_ACCESS_KEY_ID: 'AKIAEXAMPLE', PREAMP_SECRET_ACCESS_KEY: 'hunter2' }
    expect(() => readConfig(wrong)).toThrow(/PREAMP_SECRET_ACCESS_KEY: /)
    expect(() => readConfig(wrong)).not.toThrow(/hunter2/)
  })

  test.each((Object.keys(settings) as SettingName[]).filter((name) => isSecret(name)))(
    'the secret %s is not shown where it does not fit',
    (name) => {
      const { variable } = settings[name]
      const problem = problemOf({ [variable]: '!hunter' })
      expect(problem).toContain(`${variable}: `)
      expect(problem).not.toContain('!hunter')
    },
  )

  test('the password of a wrong database is not shown', () => {
    const problem = problemOf({ PREAMP_DATABASE_URL: 'mysql://preamp:hunter2@db/preamp' })
    expect(problem).toContain('PREAMP_DATABASE_URL: must begin with postgres://')
    expect(problem).not.toContain('hunter2')
  })

  test('half a key is refused', () => {
    expect(() => readConfig({ PREAMP_ACCESS_KEY_ID: 'AKIAEXAMPLE' })).toThrow(/together or not at all/)
  })

  test.each([
    ['192.0.2.1', true],
    ['192.0.2.1:5353, 2001:db8::1,[2001:db8::1]:53', true],
    ['dns.example.com', false],
    ['192.0.2.1:0', false],
    ['192.0.2.1:65536', false],
    ['[192.0.2]:53', false],
  ])('DNS servers %j are taken: %p', (servers, isTaken) => {
    const read = () => readConfig({ PREAMP_DNS_SERVERS: servers }).dnsServers
    if (isTaken) expect(read()).toEqual(servers.split(',').map((server) => server.trim()))
    else expect(read).toThrow(/PREAMP_DNS_SERVERS.*must be IP addresses/)
  })

  test('domains are trusted without a look at the DNS on a loopback bind alone', () => {
    const trusting = { PREAMP_DOMAIN_VERIFICATION: 'none' }
    expect(readConfig(trusting).domainVerification).toBe('none')
    expect(() => readConfig({ ...trusting, PREAMP_HOST: '0.0.0.0' })).toThrow(
      /PREAMP_DOMAIN_VERIFICATION=none.*not to 0\.0\.0\.0/,
    )
  })

  test('an address loses the slash at its end', () => {
    expect(readConfig({ PREAMP_API_URL: 'https://api.example.com/' }).apiUrl).toBe('https://api.example.com')
  })
})

describe('a mistake is named by the setting as it was given', () => {
  test.each([
    [{ PREAMP_API_PORT: 'abc' }, {}, 'PREAMP_API_PORT="abc": must be a number'],
    [{}, { apiPort: 'abc' }, '--api-port "abc": must be a number'],
    [{ PREAMP_SITES_URL: 'http://sites.example/x' }, {}, 'must not have a path'],
    [{ PREAMP_API_PORT: '4780' }, {}, 'are both 4780'],
    [{ PREAMP_ACCESS_KEY_ID: 'AKIDEXAMPLE' }, {}, 'are given together or not at all'],
    [{ PREAMP_TLS_CERT_FILE: 'a.crt' }, {}, 'are given together or not at all'],
    [{ PREAMP_COUNTRY_HEADER: 'cf-ipcountry' }, {}, 'is read from PREAMP_TRUSTED_PROXIES alone'],
    [
      { PREAMP_TLS_CERT_FILE: 'a.crt', PREAMP_TLS_KEY_FILE: 'a.key', PREAMP_SITES_TLS_PORT: '4780' },
      {},
      'HTTPS needs a port of its own',
    ],
  ])('%j %j', (environment, flags, message) => {
    expect(() => readConfig(environment, flags)).toThrow(message)
  })

  test('a secret that is too short is neither shown nor said to be missing', () => {
    const failure = problemOf({ PREAMP_ACCESS_KEY_ID: 'AKIDEXAMPLE', PREAMP_SECRET_ACCESS_KEY: 'shorty' })
    expect(failure).toContain('PREAMP_SECRET_ACCESS_KEY: ')
    expect(failure).not.toContain('shorty')
    expect(failure).not.toContain('given together')
  })
})
