import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { UsageError } from '../usage-error.ts'
import { apiUrlOf, explainApiError, findCredentials, readCredentialsFile } from './amplify-client.ts'

let dataDir: string
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'preamp-client-'))
  const other = '[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = no\n'
  const own = '[default]\naws_access_key_id = AKIAOWN\naws_secret_access_key = se/cr+et=\n'
  writeFileSync(join(dataDir, 'credentials'), `${other}\n${own}\n${other}`)
})
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

const profile = (name: string, id: string) =>
  `[${name}]\naws_access_key_id = ${id}\naws_secret_access_key = x\n`

describe('findCredentials', () => {
  test('reads the default profile of the data directory', () => {
    expect(findCredentials({ dataDir }, {})).toEqual({ accessKeyId: 'AKIAOWN', secretAccessKey: 'se/cr+et=' })
  })

  test('prefers the variables of AWS', () => {
    const environment = { AWS_ACCESS_KEY_ID: 'AKIAVARIABLE', AWS_SECRET_ACCESS_KEY: 'x' }
    expect(findCredentials({ dataDir }, environment).accessKeyId).toBe('AKIAVARIABLE')
  })

  test('takes the session token of temporary credentials along', () => {
    const environment = { AWS_ACCESS_KEY_ID: 'ASIA', AWS_SECRET_ACCESS_KEY: 'x', AWS_SESSION_TOKEN: 't' }
    expect(findCredentials({ dataDir }, environment).sessionToken).toBe('t')
    // A token in the environment is none of the key in the file.
    expect(findCredentials({ dataDir }, { AWS_SESSION_TOKEN: 't' }).sessionToken).toBeUndefined()
    const file = join(dataDir, 'temporary')
    writeFileSync(
      file,
      '[default]\naws_access_key_id = ASIA\naws_secret_access_key = x\naws_session_token = t/+=\n',
    )
    expect(readCredentialsFile(file).sessionToken).toBe('t/+=')
  })

  test('goes by the file and the profile that AWS’s variables name, before the data directory', () => {
    const file = join(dataDir, 'guest')
    writeFileSync(file, `${profile('default', 'AKIAGUEST')}${profile('ci', 'AKIACI')}`)
    const environment = { AWS_SHARED_CREDENTIALS_FILE: file }
    expect(findCredentials({ dataDir }, environment).accessKeyId).toBe('AKIAGUEST')
    expect(findCredentials({ dataDir }, { ...environment, AWS_PROFILE: 'ci' }).accessKeyId).toBe('AKIACI')
    expect(() => findCredentials({ dataDir }, { ...environment, AWS_PROFILE: 'none' })).toThrow(
      'profile none',
    )
    expect(() => findCredentials({ dataDir }, { AWS_SHARED_CREDENTIALS_FILE: `${file}-none` })).toThrow(
      'does not exist',
    )
  })

  test('says where it looked when there is no key', () => {
    expect(() => findCredentials({ dataDir: join(dataDir, 'none') }, {})).toThrow(
      /none\/credentials does not exist/,
    )
  })
})

describe('apiUrlOf', () => {
  const config = { apiUrl: undefined, apiPort: 4700 }

  test('takes the setting, then AWS’s variables, then the running server, then the default', () => {
    const environment = { AWS_ENDPOINT_URL_AMPLIFY: 'http://a', AWS_ENDPOINT_URL: 'http://b' }
    expect(apiUrlOf({ ...config, apiUrl: 'http://s', dataDir }, environment)).toBe('http://s')
    expect(apiUrlOf({ ...config, dataDir }, environment)).toBe('http://a')
    expect(apiUrlOf({ ...config, dataDir }, { AWS_ENDPOINT_URL: 'http://b' })).toBe('http://b')
    expect(apiUrlOf({ ...config, dataDir }, {})).toBe('http://localhost:4700')
    writeFileSync(join(dataDir, 'server.json'), JSON.stringify({ pid: 1, apiUrl: 'http://127.0.0.1:9' }))
    expect(apiUrlOf({ ...config, dataDir }, {})).toBe('http://127.0.0.1:9')
  })
})

test.each([
  ['UnrecognizedClientException', /does not know the key/],
  ['NotFoundException', /NotFoundException: App x not found/],
])('%s becomes a message', (name, message) => {
  const error = Object.assign(new Error('App x not found'), { name, $fault: 'client' })
  expect(() => explainApiError(error, 'http://api')).toThrow(UsageError)
  expect(() => explainApiError(error, 'http://api')).toThrow(message)
})

test('a bug stays what it is', () => {
  const bug = new TypeError('x is undefined')
  expect(() => explainApiError(bug, 'http://api')).toThrow(bug)
})
