import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { groupV2At, openCgroupsV2 } from './cgroup-v2.ts'
import { findCgroups, ownGroupV2, parentsV2 } from './cgroup.ts'

describe('where groups may be made', () => {
  test('beside the server in the unit that systemd delegates, else at the root', () => {
    expect(ownGroupV2('9:memory:/x\n0::/system.slice/preamp.service/server\n')).toBe(
      '/system.slice/preamp.service/server',
    )
    expect(ownGroupV2('4:memory:/x\n')).toBeUndefined()
    expect(parentsV2('/cg', '/system.slice/preamp.service/server')).toEqual([
      '/cg/system.slice/preamp.service',
      '/cg',
    ])
    expect(parentsV2('/cg', '/system.slice/preamp.service')).toEqual(['/cg'])
    expect(parentsV2('/cg', '/')).toEqual(['/cg'])
    expect(parentsV2('/cg', undefined)).toEqual(['/cg'])
  })
})

describe('cgroup v2, its files played by plain ones', () => {
  let root: string

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'preamp-cgroup-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8')

  test('sets limits and reads what went over them', async () => {
    writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory pids\n')
    const groups = (await openCgroupsV2(root))!
    mkdirSync(join(root, 'preamp/job'))
    writeFileSync(join(root, 'preamp/job/memory.swap.max'), 'max')
    writeFileSync(join(root, 'preamp/job/cpu.max'), 'max 100000')
    const group = await groups.create('job', { memoryBytes: 1000, processesMax: 7, cpus: 1.5 })
    expect(read('preamp/job/cpu.max')).toBe('150000 100000')
    expect(read('cgroup.subtree_control')).toBe('+memory +pids +cpu')
    // The played folder, unlike a real one, says nothing of the controllers that its parent hands down.
    expect(read('preamp/cgroup.subtree_control')).toBe('+memory +pids')
    expect([read('preamp/job/memory.max'), read('preamp/job/pids.max')]).toEqual(['1000', '7'])
    expect(read('preamp/job/memory.swap.max')).toBe('0')

    await group.add(123)
    expect(read('preamp/job/cgroup.procs')).toBe('123')
    expect(await group.exceeded()).toBeUndefined()
    writeFileSync(join(root, 'preamp/job/pids.events'), 'max 3\n')
    expect(await group.exceeded()).toBe('processes')
    writeFileSync(join(root, 'preamp/job/memory.events'), 'low 0\noom 2\noom_kill 1\n')
    expect(await group.exceeded()).toBe('memory')
  })

  test('is not used where its controllers are elsewhere', async () => {
    writeFileSync(join(root, 'cgroup.controllers'), 'cpu hugetlb\n')
    expect(await openCgroupsV2(root)).toBeUndefined()
    expect(await openCgroupsV2(join(root, 'nowhere'))).toBeUndefined()
    expect(await findCgroups(root)).toBeUndefined()
  })

  test('kills one by one on a kernel without cgroup.kill', async () => {
    const child = Bun.spawn(['sleep', '60'])
    const group = groupV2At(root)
    writeFileSync(join(root, 'pids.max'), '7')
    writeFileSync(join(root, 'cgroup.procs'), `${child.pid}\n0\n`)
    expect(await group.kill()).toBe(1)
    await child.exited
    expect(child.signalCode).toBe('SIGKILL')
    expect(read('pids.max')).toBe('0')
  })

  test('a group that is not there has nothing to kill or remove', async () => {
    const group = groupV2At(join(root, 'none'))
    expect(await group.kill()).toBe(0)
    expect(await group.exceeded()).toBeUndefined()
    await group.remove()
  })
})

const unified = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']
  .map(makeRealGroup)
  .find((folder) => folder !== undefined)

test.if(unified !== undefined)('cgroup.kill of the real kernel ends what is in a group', async () => {
  const group = groupV2At(unified!)
  const child = Bun.spawn(['sleep', '60'])
  await group.add(child.pid)
  expect(await group.kill()).toBe(1)
  await child.exited
  expect(child.signalCode).toBe('SIGKILL')
  expect(await group.kill()).toBe(0)
  await group.remove()
})

/** A group of this test in a unified hierarchy; undefined where that cannot be had. */
function makeRealGroup(root: string): string | undefined {
  const folder = join(root, `preamp-test-${process.pid}`)
  try {
    readFileSync(join(root, 'cgroup.controllers'))
    mkdirSync(folder)
  } catch {
    return undefined
  }
  process.on('exit', () => {
    try {
      rmdirSync(folder)
    } catch {
      // The test removed it.
    }
  })
  return folder
}
