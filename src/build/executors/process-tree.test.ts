import { expect, test } from 'bun:test'

import { type HostProcess, parseStat } from '../../model/process-stat.ts'
import { familyOf, listProcesses, markedProcesses } from './process-tree.ts'

function named(pid: number, parent: number, session = 1): HostProcess {
  return { pid, parent, session, threads: 1, started: '1', zombie: false }
}

test('a line of /proc/<pid>/stat is read past a hostile program name', () => {
  const fields = 'Z 7 100 99 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 3 0 5555 0 0'
  expect(parseStat(`42 (a) R 1 (b\n) ${fields}`)).toEqual({
    pid: 42,
    parent: 7,
    session: 99,
    threads: 3,
    started: '5555',
    zombie: true,
  })
})

test('a family is all descendants and all of the session', () => {
  const processes = [
    named(1, 0),
    named(10, 1),
    named(11, 10),
    named(12, 11),
    named(20, 1, 10),
    named(21, 20),
    named(30, 1),
  ]
  expect(familyOf(10, processes).map((process) => process.pid)).toEqual([10, 11, 12, 20, 21])
})

test('a marked process is found among all', async () => {
  const child = Bun.spawn(['sleep', '60'], { env: { PREAMP_JOB_MARK: 'abc' } })
  try {
    const found = await markedProcesses('abc', await listProcesses())
    expect(found.map((process) => process.pid)).toEqual([child.pid])
    expect(await markedProcesses('ab', await listProcesses())).toEqual([])
  } finally {
    child.kill()
  }
})
