import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { waitFor } from '../../test/support/wait-for.ts'
import { type BuildLog, formatEntry, type LogOptions, openBuildLog } from './build-log.ts'
import { secretMasks } from './secret-mask.ts'

const time = Date.UTC(2024, 0, 31, 12, 0, 0, 5)
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-log-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function open(options: Partial<LogOptions> = {}): BuildLog {
  return openBuildLog({
    path: join(folder, 'BUILD.log'),
    stamp: 'build',
    newMask: secretMasks(['hunter22']),
    now: () => time,
    ...options,
  })
}

/** What the log says after the work, without the stamps. */
async function logOf(work: (log: BuildLog) => void, options: Partial<LogOptions> = {}): Promise<string[]> {
  const log = open(options)
  work(log)
  await log.close()
  return readFileSync(log.path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.replace('2024-01-31T12:00:00.005Z ', ''))
}

const bytes = (text: string) => new TextEncoder().encode(text)

describe('an entry', () => {
  test('has the stamp and level of Amplify, further lines under the text', () => {
    expect(formatEntry('build', time, 'INFO', 'one\ntwo\n')).toBe(
      `2024-01-31T12:00:00.005Z [INFO]: one\n${' '.repeat(33)}two\n`,
    )
    expect(formatEntry('build', time, 'WARNING', 'one\ntwo')).toBe(
      `2024-01-31T12:00:00.005Z [WARNING]: one\n${' '.repeat(36)}two\n`,
    )
    expect(formatEntry('deploy', time, 'INFO', 'one')).toBe('2024-01-31T12:00:00 [INFO]: one\n')
  })
})

describe('output', () => {
  test('of stdout is INFO and of stderr is WARNING, in the order in which it came', async () => {
    const lines = await logOf((log) => {
      log.output('stdout', bytes('a\nb'))
      log.output('stderr', bytes('oh\n'))
      log.output('stdout', bytes('c\n'))
    })
    expect(lines).toEqual(['[INFO]: a', '[INFO]: b', '[WARNING]: oh', '[INFO]: c'])
  })

  test('survives characters cut in two, bytes that are no UTF-8, and control characters', async () => {
    const euro = bytes('€')
    const lines = await logOf((log) => {
      log.output('stdout', euro.slice(0, 1))
      log.output('stdout', euro.slice(1))
      log.output('stdout', Uint8Array.of(0xff, 0xfe, 0x0a))
      log.output('stdout', bytes('bell\u0007 nul\0 \u001b[31mred\u001b[0m\ttab\n'))
    })
    expect(lines).toEqual(['[INFO]: €\ufffd\ufffd', '[INFO]: bell nul \u001b[31mred\u001b[0m\ttab'])
  })

  test('shows of a progress line what a terminal would show', async () => {
    const lines = await logOf((log) => log.output('stderr', bytes('10%\r50%\r100%\r\ndone\r\n')))
    expect(lines).toEqual(['[WARNING]: 100%', `${' '.repeat(36)}done`])
  })

  test('has secrets masked, also when they come in two pieces or through the other stream', async () => {
    const lines = await logOf((log) => {
      log.output('stdout', bytes('the hunt'))
      log.output('stdout', bytes('er22 is known\n'))
      log.output('stderr', bytes('hun'))
      log.output('stdout', bytes('meanwhile\n'))
      log.output('stderr', bytes('ter22\n'))
      log.write('INFO', '# Executing command: echo hunter22')
    })
    expect(lines).toEqual([
      '[INFO]: the ****** is known',
      '[INFO]: meanwhile',
      '[WARNING]: ******',
      '[INFO]: # Executing command: echo ******',
    ])
  })

  test('beyond the limit is cut, and the log says so', async () => {
    const lines = await logOf(
      (log) => {
        log.output('stdout', bytes(`${'x'.repeat(600)}\n`))
        log.output('stdout', bytes(`${'y'.repeat(600)}\n`))
        log.output('stdout', bytes('z\n'))
        log.write('ERROR', '!!! Build failed')
      },
      { bytesMax: 1024 },
    )
    expect(lines.map((line) => line.slice(0, 40))).toEqual([
      `[INFO]: ${'x'.repeat(32)}`,
      expect.stringContaining('[WARNING]: # The log ends here'),
      '[ERROR]: !!! Build failed',
    ])
  })

  test('that shows nothing counts towards the limit', async () => {
    const lines = await logOf(
      (log) => {
        log.output('stdout', new Uint8Array(1025))
        log.output('stdout', bytes('more\n'))
      },
      { bytesMax: 1024 },
    )
    expect(lines).toEqual([expect.stringContaining('[WARNING]: # The log ends here')])
  })

  test('cannot steer the terminal of whoever reads the log', async () => {
    const lines = await logOf((log) => {
      log.output('stdout', bytes('up\u001b[1A\u001b[2K over\u001b]52;c;cm0gLXJm\u0007 clipboard\n'))
      log.output(
        'stdout',
        bytes('\u001b]8;;http://a.test\u001b\\link\u001b]8;;\u001b\\ \u001bc\u009b2J\u001b'),
      )
      log.output('stderr', bytes('\u001b[1;38:5:9mbright\u001b[m\n'))
    })
    expect(lines).toEqual([
      '[INFO]: up over clipboard',
      '[INFO]: link c2J',
      '[WARNING]: \u001b[1;38:5:9mbright\u001b[m',
    ])
  })

  test('that comes fast is cut at the ends of its lines alone', async () => {
    const lines = Array.from({ length: 6000 }, (_, number) => `line ${number} of the output of a build`)
    const text = lines.map((line) => `${line}\n`).join('')
    const half = Math.floor(text.length / 2)
    const shown = await logOf((log) => {
      log.output('stdout', bytes(text.slice(0, half)))
      log.output('stdout', bytes(text.slice(half)))
    })
    expect(shown.map((line) => line.replace('[INFO]: ', '').trim())).toEqual(lines)
  })

  test('of one endless line does not gather in memory', async () => {
    const lines = await logOf((log) => {
      for (let part = 0; part < 40; part++) log.output('stdout', bytes('x'.repeat(8 * 1024)))
    })
    expect(lines.length).toBeGreaterThan(2)
    expect(lines.join('').replaceAll('[INFO]: ', '')).toBe('x'.repeat(320 * 1024))
  })
})

test('can be read while it is written', async () => {
  const log = open()
  log.output('stdout', bytes('first\n'))
  await waitFor('the line in the file', 5, () => readFileSync(log.path, 'utf8').includes('first'))
  expect(readFileSync(log.path, 'utf8')).toContain('[INFO]: first')
  await log.close()
})
