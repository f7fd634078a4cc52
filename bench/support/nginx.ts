import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../test/support/free-ports.ts'
import { type PinnedServer, startPinnedServer } from './pinned-server.ts'

/**
 * Starts nginx as one would tune it for static files: one worker, open files and their attributes cached, sendfile, no
 * access log, connections kept.
 * @param files by their path
 * @param core which core it is pinned to
 * @param more what stands in its `http` and its `server` besides
 */
export function startNginx(
  files: Record<string, Uint8Array>,
  core: number,
  more: { http?: string; server?: string } = {},
): Promise<PinnedServer> {
  const port = freePort()
  return startPinnedServer(files, core, {
    name: 'nginx',
    port,
    url: `http://127.0.0.1:${port}/`,
    stderr: 'inherit',
    begin(folder) {
      const configuration = join(folder, 'nginx.conf')
      writeFileSync(configuration, configure(folder, port, more))
      return { command: ['nginx', '-c', configuration, '-e', 'stderr'] }
    },
  })
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
