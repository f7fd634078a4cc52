import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

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

    expect(keys('list').output).toMatch(new RegExp(`^${id}  123456789012  enabled .* for CI$`, 'm'))
    expect(keys('list').output).not.toContain(secret)
    expect(readFileSync(join(dataDir, 'preamp.db')).includes(secret)).toBe(false)

    expect(keys('disable', id).output).toBe(`${id} is disabled.\n`)
    expect(keys('list').output).toContain(`${id}  123456789012  disabled`)
    expect(keys('enable', id).output).toBe(`${id} is enabled.\n`)
    expect(keys('delete', id).output).toBe(`${id} is deleted.\n`)
    expect(keys('list').output).not.toContain(id)
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
