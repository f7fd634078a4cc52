import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'

import { engineFolderVariable, removeTestEngine } from '../test/support/container-engine.ts'
import { runChecks, toolEnvironment } from './checks.ts'
import { prepareTestPrograms } from './test-programs.ts'
import { readSummary } from './test-summary.ts'

/**
 * `npm test [-- <files>]`: prepares what tests need, checks types, lint and format, runs every test, names what was
 * skipped, and ends with one line, `N passed, N failed`.
 */
const root = new URL('..', import.meta.url).pathname
const testSecondsMax = 60
// One more than there are processors, as many tests wait for something else.
const workers = Math.min(availableParallelism() + 1, 4)

const unavailable = await prepareTestPrograms()
const files = process.argv.slice(2)
const checks = files.length === 0 ? await runChecks() : { passed: 0, failed: 0 }
const tests = await runTests(files)

const passed = checks.passed + tests.passed
const failed = checks.failed + tests.failed
for (const line of tests.skipped) console.log(line)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

async function runTests(only: string[]): Promise<{ passed: number; failed: number; skipped: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-test-run-'))
  const skippedFile = join(folder, 'skipped')
  const engineFolder = join(folder, 'podman')
  try {
    const child = Bun.spawn(
      [process.execPath, 'test', `--parallel=${workers}`, `--timeout=${testSecondsMax * 1000}`, ...only],
      {
        cwd: root,
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
        env: {
          ...toolEnvironment(),
          PREAMP_TEST_SKIPPED_FILE: skippedFile,
          [engineFolderVariable]: engineFolder,
          PREAMP_TEST_UNAVAILABLE: unavailable.join(','),
          ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
        },
      },
    )
    const [output, errors] = await Promise.all([
      passOn(child.stdout, process.stdout),
      passOn(child.stderr, process.stderr),
    ])
    const skipped = existsSync(skippedFile) ? readFileSync(skippedFile, 'utf8').trim().split('\n') : []
    return {
      ...readSummary(`${output}\n${errors}`, await child.exited),
      skipped: [...new Set(skipped)].toSorted(),
    }
  } finally {
    removeTestEngine(engineFolder)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Shows output as it comes and returns all of it. */
async function passOn(from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of from) {
    to.write(piece)
    text += decoder.decode(piece, { stream: true })
  }
  return text
}
