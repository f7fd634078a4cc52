import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { waitFor } from '../../test/support/wait-for.ts'

export interface PinnedServer {
  port: number
  stop(): Promise<void>
}

/**
 * Starts a server of files on one core, and waits until it answers.
 * @param files by their path
 * @param server.url at which it answers, whatever that is
 * @param server.begin writes its configuration into the folder of the files, and gives its command line
 */
export async function startPinnedServer(
  files: Record<string, Uint8Array>,
  core: number,
  server: {
    name: string
    port: number
    url: string
    /** `ignore` for one that tells its whole life there. */
    stderr: 'inherit' | 'ignore'
    begin(folder: string): { command: string[]; environment?: Record<string, string> }
  },
): Promise<PinnedServer> {
  const { name, port, url } = server
  const folder = mkdtempSync(join(tmpdir(), `preamp-${name}-`))
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path), bytes)
  const { command, environment } = server.begin(folder)
  const child = Bun.spawn(['taskset', '-c', String(core), ...command], {
    env: { ...process.env, ...environment },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: server.stderr,
  })
  await waitFor(`${name} to answer`, 20, async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`)
    return fetch(url, { tls: { rejectUnauthorized: false } }).then(
      () => true,
      () => false,
    )
  })
  return {
    port,
    async stop() {
      child.kill('SIGTERM')
      await child.exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
