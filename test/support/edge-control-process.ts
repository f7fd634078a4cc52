import { join } from 'node:path'

import type { SupervisorOptions } from '../../src/edge/supervisor.ts'

const controlScript = join(import.meta.dir, 'edge-control.ts')

export interface ControlProcess {
  port: number
  pid: number
  /** Its edges go on. */
  kill(): Promise<void>
}

/** Starts `edge-control.ts`, and its edges with it. */
export async function startControl(options: Omit<SupervisorOptions, 'log'>): Promise<ControlProcess> {
  const child = Bun.spawn([process.execPath, controlScript, JSON.stringify(options)], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const reader = child.stdout.getReader()
  const { value } = await reader.read()
  if (!value) throw new Error(`The control process ended with ${await child.exited}`)
  return {
    port: Number(new TextDecoder().decode(value)),
    pid: child.pid,
    async kill() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}
