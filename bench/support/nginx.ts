import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { freePort } from '../../test/support/free-ports.ts'
import { waitFor } from '../../test/support/wait-for.ts'

export interface Nginx {
  port: number
  stop(): Promise<void>
}

/**
 * Starts nginx as one would tune it for static files: one worker, open files and their attributes cached, sendfile, no
 * access log, connections kept.
 * @param files by their path
 * @param core which core it is pinned to
 * @param more what stands in its `http` and its `server` besides
 */
export async function startNginx(
  files: Record<string, Uint8Array>,
  core: number,
  more: { http?: string; server?: string } = {},
): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-nginx-'))
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path), bytes)
  const port = freePort()
  const configuration = join(folder, 'nginx.conf')
  writeFileSync(configuration, configure(folder, port, more))
  const child = Bun.spawn(['taskset', '-c', String(core), 'nginx', '-c', configuration, '-e', 'stderr'], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
  })
  await waitFor('nginx to answer', 10, async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
    return fetch(`http://127.0.0.1:${port}/`).then(
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

function configure(
  folder: string,
  port: number,
  { http = '', server = '' }: { http?: string; server?: string },
): string {
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  return `
daemon off;
${user}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
  types { text/html html; image/png png; }
  access_log off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=1000 inactive=60s;
  open_file_cache_valid 60s;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${http}
  server { listen 127.0.0.1:${port} backlog=1024; root ${folder}; ${server} }
}
`
}
