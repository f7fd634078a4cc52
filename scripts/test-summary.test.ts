import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { readSummary } from './test-summary.ts'

/** Runs bun itself on files, so that a new version's other summary is noticed here. */
function run(files: Record<string, string>): { passed: number; failed: number } {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-summary-'))
  try {
    for (const [name, source] of Object.entries(files)) {
      writeFileSync(join(folder, name), `import { expect, test } from 'bun:test'\n${source}`)
    }
    const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, 'test', '--parallel=2'], {
      cwd: folder,
      env: { ...process.env, BUN_TEST_WORKER_ID: undefined, JEST_WORKER_ID: undefined },
    })
    return readSummary(`${stdout}\n${stderr}`, exitCode)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const good = `test('good', () => {})\n`

test('passed and failed tests are counted', () => {
  const bad = `test('bad', () => { expect(1).toBe(2) })\n`
  expect(run({ 'a.test.ts': good + bad, 'b.test.ts': good })).toEqual({ passed: 2, failed: 1 })
})

test('a file that throws while loading is a failure', () => {
  expect(run({ 'a.test.ts': good, 'b.test.ts': `throw new Error('broken')\n` })).toEqual({
    passed: 1,
    failed: 1,
  })
})

test('a file that ends the process with success is a failure', () => {
  expect(run({ 'a.test.ts': good, 'b.test.ts': `test('quits', () => process.exit(0))\n` })).toEqual({
    passed: 1,
    failed: 1,
  })
})

test('no test at all is a failure', () => {
  expect(run({}).failed).toBe(1)
})

test('a run cut off before its summary is a failure', () => {
  expect(readSummary('a.test.ts:\n(pass) one\n', 0)).toEqual({ passed: 0, failed: 1 })
  expect(readSummary(' 3 pass\n 0 fail\nRan 3 tests across 1 file. [1ms]\n', 137)).toEqual({
    passed: 3,
    failed: 1,
  })
})
