import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../test/support/free-ports.ts'
import { type PinnedServer, startPinnedServer } from './pinned-server.ts'

/**
 * Starts Caddy as a server of files: one processor, no log, no administration.
 * @param files by their path
 * @param core which core it is pinned to
 * @param tls files of a certificate; without them it speaks http
 */
export function startCaddy(
  files: Record<string, Uint8Array>,
  core: number,
  tls?: { certificate: string; key: string },
): Promise<PinnedServer> {
  const port = freePort()
  const scheme = tls ? 'https' : 'http'
  const options = '{\n  admin off\n  auto_https off\n  default_sni localhost\n}\n'
  const certificate = tls ? `  tls ${tls.certificate} ${tls.key}\n` : ''
  return startPinnedServer(files, core, {
    name: 'caddy',
    port,
    url: `${scheme}://localhost:${port}/`,
    stderr: 'ignore',
    begin(folder) {
      const configuration = join(folder, 'Caddyfile')
      writeFileSync(
        configuration,
        `${options}${scheme}://:${port} {\n  bind 127.0.0.1\n${certificate}  root * ${folder}\n  file_server\n}\n`,
      )
      return {
        command: ['caddy', 'run', '--config', configuration, '--adapter', 'caddyfile'],
        environment: { GOMAXPROCS: '1', XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      }
    },
  })
}
