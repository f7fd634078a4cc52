/** What one run of wrk saw. */
export interface WrkResult {
  requests: number
  requestsPerSecond: number
  /** Connections that could not be made, were closed or fell silent in the middle of an answer. */
  socketErrors: number
  /** Answers whose status is not 2xx or 3xx. */
  otherStatuses: number
}

/**
 * Loads one address with wrk for some seconds.
 * @param options.host the Host header
 * @param options.headers others, by name
 * @param options.core which core wrk is pinned to
 */
export async function runWrk(options: {
  url: string
  host: string
  headers?: Record<string, string>
  seconds: number
  connections: number
  core?: number
  /** A program in Lua that says what to ask for. */
  script?: string
}): Promise<WrkResult> {
  const { url, host, headers, seconds, connections, core, script } = options
  const pinned = core === undefined ? [] : ['taskset', '-c', String(core)]
  const sent = Object.entries({ Host: host, ...headers }).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ])
  const programs = script === undefined ? [] : ['-s', script]
  const child = Bun.spawn(
    [...pinned, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, ...programs, ...sent, '--', url],
    { stdout: 'pipe', stderr: 'pipe', stdin: 'ignore' },
  )
  const [output, errors, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  if (exitCode !== 0) throw new Error(`wrk ended with ${exitCode}: ${output}${errors}`)
  return parseWrk(output)
}

function parseWrk(output: string): WrkResult {
  const number = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? 0)
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    socketErrors: (errors ?? []).slice(1).reduce((sum, count) => sum + Number(count), 0),
    otherStatuses: number(/Non-2xx or 3xx responses: (\d+)/),
  }
}
