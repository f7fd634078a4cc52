import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { reportSkipped } from './requires.ts'

/** A disk in memory whose size can be changed while it is in use. */
export interface SmallDisk {
  path: string
  /** No smaller than what is on it. */
  resize(kibibytes: number): void
  usedKibibytes(): number
  unmount(): void
}

/** Whether a disk can be mounted, which only root can, and not in every container. */
export function canMountDisk(): boolean {
  try {
    mountDisk().unmount()
    return true
  } catch {
    reportSkipped('the right to mount a tmpfs')
    return false
  }
}

export function mountDisk(kibibytes = 1024 * 1024): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'preamp-disk-'))
  const remove = () => rmSync(path, { recursive: true, force: true })
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', path)
  } catch (error) {
    remove()
    throw error
  }
  return {
    path,
    resize: (size) => void run('mount', '-o', `remount,size=${size}k`, path),
    usedKibibytes: () => Number(run('df', '--output=used', '-k', path).trim().split('\n').at(-1)),
    unmount() {
      run('umount', '--lazy', path)
      remove()
    },
  }
}

function run(...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command)
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr.toString()}`)
  return stdout.toString()
}
