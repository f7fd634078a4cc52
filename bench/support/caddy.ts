import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { freePort } from '../../test/support/free-ports.ts'
import { waitFor } from '../../test/support/wait-for.ts'

export interface Caddy {
  port: number
  stop(): Promise<void>
}

/**
 * Starts Caddy as a server of files: one processor, no log, no administration.
 * @param files by their path
 * @param tls files of a certificate; without them it speaks http
 */
export async function startCaddy(
  files: Record<string, Uint8Array>,
  core: number,
  tls?: { certificate: string; key: string },
): Promise<Caddy> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-caddy-'))
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path), bytes)
  const port = freePort()
  const configuration = join(folder, 'Caddyfile')
  const scheme = tls ? 'https' : 'http'
  const options = '{\n  admin off\n  auto_https off\n  default_sni localhost\n}\n'
  const certificate = tls ? `  tls ${tls.certificate} ${tls.key}\n` : ''
  writeFileSync(
    configuration,
    `${options}${scheme}://:${port} {\n  bind 127.0.0.1\n${certificate}  root * ${folder}\n  file_server\n}\n`,
  )
  const child = Bun.spawn(
    ['taskset', '-c', String(core), 'caddy', 'run', '--config', configuration, '--adapter', 'caddyfile'],
    {
      env: { ...process.env, GOMAXPROCS: '1', XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
    },
  )
  await waitFor('Caddy to answer', 20, async () => {
    if (child.exitCode !== null) throw new Error(`Caddy ended with ${child.exitCode}`)
    return fetch(`${scheme}://localhost:${port}/`, { tls: { rejectUnauthorized: false } }).then(
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
