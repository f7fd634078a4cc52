import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { deployOnlyPolicy } from '../model/managed-policies.ts'
import { permissionsInShort } from './key-permissions.ts'
import { stateOf } from './keys.ts'

let dataDir: string
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'preamp-keys-'))
})
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

/** Runs `preamp keys …` as a process of its own. */
function keys(...parameters: string[]) {
  const main = join(import.meta.dir, '../main.ts')
  const { stdout, stderr, exitCode } = Bun.spawnSync(
    [process.execPath, main, 'keys', ...parameters, '--data-dir', dataDir],
    { env: { PATH: process.env['PATH'] } },
  )
  return { output: stdout.toString(), errors: stderr.toString(), exitCode }
}

describe('preamp keys', () => {
  test('without a data directory says how to name one', () => {
    const { errors, exitCode } = keys('list')
    expect(errors).toContain('Name it with --data-dir')
    expect(errors).not.toContain('    at ')
    expect(exitCode).toBe(2)
  })

  test('creates, lists, disables, enables and deletes a key', () => {
    const created = keys('create', '--description', 'for CI', '--account-id', '123456789012').output
    const id = /aws_access_key_id = (AKIA[A-Z2-7]{16})\n/.exec(created)?.[1] ?? ''
    const secret = /aws_secret_access_key = (\S{40})\n/.exec(created)?.[1] ?? ''
    expect(id).not.toBe('')
    expect(secret).not.toBe('')

    expect(keys('list').output).toMatch(
      new RegExp(`^${id}  123456789012  admin +admin +enabled .* for CI$`, 'm'),
    )
    expect(keys('list').output).not.toContain(secret)
    expect(readFileSync(join(dataDir, 'preamp.db')).includes(secret)).toBe(false)

    expect(keys('disable', id).output).toBe(`${id} is disabled.\n`)
    expect(keys('list').output).toMatch(new RegExp(`^${id} .* disabled `, 'm'))
    expect(keys('enable', id).output).toBe(`${id} is enabled.\n`)
    expect(keys('delete', id).output).toBe(`${id} is deleted.\n`)
    expect(keys('list').output).not.toContain(id)
  }, 30_000)

  test('says what a key may do, and changes it', () => {
    const created = keys('create', '--policy', 'deploy-only', '--app', 'd1a2b3', '--user-name', 'ci').output
    const id = /AKIA[A-Z2-7]{16}/.exec(created)?.[0] ?? ''
    expect(keys('list').output).toMatch(
      new RegExp(`^${id}  000000000000  ci +deploy-only d1a2b3 +enabled `, 'm'),
    )
    const printed = keys('policy', id).output
    expect(JSON.parse(printed)).toEqual(deployOnlyPolicy('d1a2b3'))

    expect(keys('set-policy', id, '--policy', 'read-only').output).toBe(`Permissions of ${id}: read-only.\n`)
    expect(keys('list').output).toMatch(new RegExp(`^${id} .* read-only +enabled `, 'm'))

    // What is printed is what a file may hold.
    const file = join(dataDir, 'policy.json')
    writeFileSync(file, printed.replace('amplify:StopJob', 'amplify:DeleteJob'))
    expect(keys('set-policy', id, '--policy-file', file).output).toBe(`Permissions of ${id}: 1 statement.\n`)
    expect(keys('policy', id).output).toContain('amplify:DeleteJob')
  }, 60_000)

  test('makes temporary credentials', () => {
    const created = keys('create', '--temporary', '--hours', '2', '--policy', 'read-only').output
    const id = /aws_access_key_id = (ASIA[A-Z2-7]{16})\n/.exec(created)?.[1] ?? ''
    const token = /aws_session_token = (\S{64})\n/.exec(created)?.[1] ?? ''
    expect([id, token]).not.toContain('')
    expect(readFileSync(join(dataDir, 'preamp.db')).includes(token)).toBe(false)
    const [, createdAt = '', expiresAt = ''] =
      new RegExp(`^${id} .* enabled +(\\S+) +(\\S+)$`, 'm').exec(keys('list').output) ?? []
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(2 * 3600 * 1000)
  }, 30_000)

  test.each([
    [['create', '--policy', 'everything'], '--policy everything: must be admin, read-only or deploy-only'],
    [['create', '--policy', 'deploy-only'], 'name it with --app'],
    [['create', '--policy', 'deploy-only', '--app', 'd*'], '--app d*: is no id of an app'],
    [['create', '--app', 'd1'], '--app belongs to --policy deploy-only'],
    [
      ['create', '--policy-file', '/nonexistent.json', '--user-name', 'x'],
      '/nonexistent.json cannot be read',
    ],
    [['create', '--user-name', 'a/b'], '--user-name a/b: must be'],
    [['create', '--hours', '1'], '--hours belongs to --temporary'],
    [['create', '--temporary', '--hours', '37'], '--hours 37: must be more than 0 and at most 36'],
    [['create', '--temporary', '--days', '1'], 'use --hours'],
    [['set-policy', 'AKIANOBODY'], 'with --policy or --policy-file'],
    [['set-policy', 'AKIANOBODY', '--policy', 'admin'], 'There is no key AKIANOBODY'],
    [['policy', 'AKIANOBODY'], 'There is no key AKIANOBODY'],
  ])(
    '%j is refused',
    (parameters, reason) => {
      const { errors, exitCode } = keys(...parameters)
      expect(errors).toContain(reason)
      expect(errors).not.toContain('    at ')
      expect(exitCode).toBe(2)
    },
    30_000,
  )

  test('a policy file is checked, and what is wrong is named', () => {
    const file = join(dataDir, 'wrong.json')
    writeFileSync(file, '{"Statement":{"Effect":"Allow","Action":"amplify:*","Resource":"apps/d1"}}')
    expect(keys('create', '--policy-file', file, '--user-name', 'ci')).toMatchObject({
      exitCode: 2,
      errors: expect.stringContaining(`${file}: Statement.0.Resource.0: must be * or an ARN.`),
    })
    writeFileSync(file, JSON.stringify(deployOnlyPolicy('d1')))
    expect(keys('create', '--policy-file', file).errors).toContain('say who holds the key with --user-name')
  }, 30_000)

  test('an unknown key and a wrong number of days are told', () => {
    expect(keys('delete', 'AKIANOBODY')).toMatchObject({
      exitCode: 2,
      errors: expect.stringContaining('AKIANOBODY'),
    })
    expect(keys('create', '--days', '-1')).toMatchObject({
      exitCode: 2,
      errors: expect.stringContaining('--days -1'),
    })
  })
})

test.each([
  [{ enabled: true, expiresAt: null }, 'enabled'],
  [{ enabled: true, expiresAt: 1001 }, 'enabled'],
  [{ enabled: true, expiresAt: 1000 }, 'expired'],
  [{ enabled: false, expiresAt: 1 }, 'disabled'],
])('%j at 1000 is %s', (row, expected) => {
  expect(stateOf(row, 1000)).toBe(expected)
})

test('permissions in short count what has no name', () => {
  const policy = deployOnlyPolicy('d1')
  expect(permissionsInShort([])).toBe('nothing')
  expect(permissionsInShort([policy])).toBe('deploy-only d1')
  expect(permissionsInShort([policy, policy])).toBe('2 statements')
  expect(permissionsInShort([{ Version: '2012-10-17', Statement: [] }])).toBe('0 statements')
})
