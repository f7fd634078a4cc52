import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Executor } from '../executor.ts'

const MiB = 1024 * 1024

/** Runs `true` in a session with all our options; what went wrong, or undefined. */
export async function probeExecutor(executor: Executor): Promise<string | undefined> {
  const workFolder = await mkdtemp(join(tmpdir(), 'preamp-probe-'))
  const jobKey = `probe ${workFolder}`
  try {
    const session = await executor.open({
      jobKey,
      workFolder,
      startFolder: workFolder,
      environment: {},
      limits: { memoryBytes: 256 * MiB, processesMax: 64, cpus: 1, diskBytes: 64 * MiB },
      network: true,
      readableFolders: [],
      onOutput: () => undefined,
    })
    const result = await session.run('true')
    await session.stop()
    return result.kind === 'exited' && result.exitCode === 0 ? undefined : JSON.stringify(result)
  } catch (error) {
    if (error instanceof Error) return error.message
    throw error
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}
