import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Load that wrk cannot make: HTTP/2, and requests at a rate. */
interface H2Load {
  port: number
  host: string
  path: string
  seconds: number
  core: number
  connections: number
  /** At once on each connection. */
  streams: number
  /** `h1`: HTTP/1.1 in the clear. */
  protocol: 'h1' | 'h2-tls'
  /** Of each connection; as fast as it goes unless given. */
  requestsPerSecond?: number
}

/** @returns requests a second, and how long each took in microseconds, in order. @throws when one failed */
export async function runH2Load(load: H2Load): Promise<{ rate: number; microseconds: number[] }> {
  const { port, host, path, seconds, core, connections, streams, protocol, requestsPerSecond } = load
  const log = join(tmpdir(), `preamp-h2load-${process.pid}-${crypto.randomUUID()}`)
  const scheme = protocol === 'h1' ? 'http' : 'https'
  const pace = requestsPerSecond === undefined ? [] : [`--rps=${requestsPerSecond}`]
  const version = protocol === 'h1' ? '--h1' : '--npn-list=h2'
  const size = [`-c${connections}`, `-m${streams}`, `-D${seconds}`]
  const options = ['-t1', ...size, version, ...pace, `--log-file=${log}`]
  const target = [`--connect-to=127.0.0.1:${port}`, `${scheme}://${host}:${port}/${path}`]
  const child = Bun.spawn(['taskset', '-c', String(core), 'h2load', ...options, ...target], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [output, complaint] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  try {
    const [, rate] = /finished in [^,]+, ([\d.]+) req\/s/.exec(output) ?? []
    const [, failed = '1'] = /(\d+) failed/.exec(output) ?? []
    const [, otherStatuses = '1'] = /, (\d+) 5xx/.exec(output) ?? []
    if (rate === undefined || Number(failed) + Number(otherStatuses) > 0) {
      throw new Error(`h2load failed: ${output}${complaint}`)
    }
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    const microseconds = lines
      .map((line) => Number(line.split('\t')[2]))
      .toSorted((one, other) => one - other)
    return { rate: Number(rate), microseconds }
  } finally {
    rmSync(log, { force: true })
  }
}

/**
 * Load at a rate for a long time, whose requests are counted alone.
 * @param load.requestsPerSecond of each connection
 */
export async function runSteadyLoad(load: {
  port: number
  host: string
  path: string
  seconds: number
  connections: number
  requestsPerSecond: number
}): Promise<{ succeeded: number; failed: number; otherStatuses: number }> {
  const { port, host, path, seconds, connections, requestsPerSecond } = load
  const size = [
    `-c${connections}`,
    '-m1',
    `-D${seconds}`,
    `--rps=${Math.max(1, Math.round(requestsPerSecond))}`,
  ]
  const target = [`--connect-to=127.0.0.1:${port}`, `http://${host}/${path}`]
  const child = Bun.spawn(['h2load', '-t1', '--h1', ...size, ...target], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [output, complaint] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  const requests = /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output)?.map(Number)
  const statuses = /(\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(output)?.map(Number)
  if (!requests || !statuses) throw new Error(`h2load said: ${output}${complaint}`)
  const [, succeeded = 0, failed = 0, errored = 0, timedOut = 0] = requests
  const [, , redirects = 0, clientErrors = 0, serverErrors = 0] = statuses
  return {
    succeeded,
    failed: failed + errored + timedOut,
    otherStatuses: redirects + clientErrors + serverErrors,
  }
}
