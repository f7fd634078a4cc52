import { basename, dirname, join } from 'node:path'

import type { TestRepository } from './git-repository.ts'

/** Serves repositories over http with Git's own `git http-backend`, to those who know the password. */
export interface GitServer {
  url: string
  /** @returns the address under which the repository can be cloned from now on */
  serve(repository: TestRepository): string
  stop(): void
}

export function createGitServer(credentials: { user: string; password: string }): GitServer {
  const expected = `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`
  const served: TestRepository[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const { pathname, search } = new URL(request.url)
      if (pathname.startsWith('/to-metadata/')) {
        return Response.redirect(
          `http://169.254.169.254${pathname.replace('/to-metadata', '')}${search}`,
          302,
        )
      }
      if (request.headers.get('authorization') !== expected) {
        return new Response('no', { status: 401, headers: { 'www-authenticate': 'Basic realm="git"' } })
      }
      if (pathname.startsWith('/moved/')) {
        return new Response(null, {
          status: 301,
          headers: { location: `${pathname.replace('/moved/', '/repositories/')}${search}` },
        })
      }
      const [, , number = '', ...rest] = pathname.split('/')
      const repository = served[Number(number)]
      if (!repository) return new Response('no', { status: 404 })
      return answerWithGit(repository, `/${rest.join('/')}`, search, request)
    },
  })
  const url = `http://127.0.0.1:${server.port}`
  return {
    url,
    serve(repository) {
      served.push(repository)
      return `${url}/repositories/${served.length - 1}/${basename(repository.folder)}`
    },
    stop: () => void server.stop(true),
  }
}

/** A CGI program's answer (RFC 3875) as a response. */
async function answerWithGit(
  repository: TestRepository,
  path: string,
  search: string,
  request: Request,
): Promise<Response> {
  const child = Bun.spawn(['git', 'http-backend'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROJECT_ROOT: dirname(repository.folder),
      PATH_INFO: join(path.replace(/^(\/[^/]+)/, '$1/.git')),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers.get('content-type') ?? '',
      HTTP_CONTENT_ENCODING: request.headers.get('content-encoding') ?? '',
      GIT_PROTOCOL: request.headers.get('git-protocol') ?? '',
      REMOTE_USER: 'git',
    },
    stdin: new Uint8Array(await request.arrayBuffer()),
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const output = Buffer.from(await child.stdout.bytes())
  const end = output.indexOf('\r\n\r\n')
  const headers = new Headers()
  for (const line of output.subarray(0, end).toString('latin1').split('\r\n')) {
    const colon = line.indexOf(':')
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  const status = Number.parseInt(headers.get('status') ?? '200')
  headers.delete('status')
  return new Response(output.subarray(end + 4), { status, headers })
}
