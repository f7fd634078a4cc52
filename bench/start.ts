import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * `preamp serve` on an existing data directory, from spawn until `GET /_preamp/health` answers 200, against a process that
 * does nothing but serve that path with `Bun.serve`. Run from the bundle that `npm install` makes, and from the source.
 * The claim in docs/performance.md: the bundle is ready in at most 150 ms. `--rounds` changes how long it takes.
 */
import { freePort } from '../test/support/free-ports.ts'
import { median, option, runProgram } from './support/measure.ts'

const rounds = option('--rounds', 15)
const root = join(import.meta.dir, '..')
const folder = mkdtempSync(join(tmpdir(), 'preamp-bench-'))
const bundle = join(folder, 'bundle')
const bare = join(folder, 'bare.ts')
const ports = { api: freePort(), sites: freePort() }

interface Start {
  /** From spawn to the first answer. */
  milliseconds: number
  /** User and system time of the process until then, all threads. */
  cpuMilliseconds: number
}

try {
  writeFileSync(
    bare,
    `Bun.serve({ hostname: '127.0.0.1', port: ${ports.api}, routes: { '/_preamp/health': new Response('ok') } })`,
  )
  runProgram([process.execPath, join(root, 'scripts/bundle.ts'), bundle])
  const serve = ['serve', '--data-dir', join(folder, 'data')]
  const address = ['--api-port', String(ports.api), '--sites-port', String(ports.sites)]
  const commands = {
    'bare Bun.serve': [bare],
    'preamp serve, bundle': [join(bundle, 'main.js'), ...serve, ...address],
    'preamp serve, source': [join(root, 'src/main.ts'), ...serve, ...address],
  }
  const starts: Record<string, Start[]> = {}
  await start(commands['preamp serve, source'])
  for (let round = 0; round < rounds; round++) {
    for (const [name, command] of Object.entries(commands)) (starts[name] ??= []).push(await start(command))
  }
  for (const [name, all] of Object.entries(starts)) {
    const wall = median(all.map(({ milliseconds }) => milliseconds))
    const cpu = median(all.map(({ cpuMilliseconds }) => cpuMilliseconds))
    const least = Math.min(...all.map(({ milliseconds }) => milliseconds))
    console.log(
      `${name.padEnd(21)} ${wall.toFixed(0)} ms (least ${least.toFixed(0)}), ${cpu.toFixed(0)} ms of CPU`,
    )
  }
  const difference = (name: keyof typeof commands) =>
    median(starts[name]!.map(({ milliseconds }) => milliseconds)) -
    median(starts['bare Bun.serve']!.map(({ milliseconds }) => milliseconds))
  console.log(
    `medians of ${rounds}; ${difference('preamp serve, bundle').toFixed(0)} ms more than bare from the bundle, ` +
      `${difference('preamp serve, source').toFixed(0)} from the source (claim: ready in at most 150 ms from the bundle)`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function start(command: string[]): Promise<Start> {
  const begun = performance.now()
  const child = Bun.spawn([process.execPath, ...command], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  while (!(await isHealthy())) {
    if (child.exitCode !== null) throw new Error(`${command.join(' ')} ended with ${child.exitCode}`)
    // An attempt that is refused costs next to nothing: the process that starts is not to compete with it.
    await Bun.sleep(2)
  }
  const result = { milliseconds: performance.now() - begun, cpuMilliseconds: cpuTime(child.pid) }
  // So that it is whole before it is ended, and the next one is not started while this one still works.
  if (command[1] === 'serve') await announced(child.stdout)
  child.kill('SIGTERM')
  await child.exited
  return result
}

async function isHealthy(): Promise<boolean> {
  try {
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: ports.api,
      socket: { data: () => undefined },
    })
    socket.end()
  } catch {
    return false
  }
  return (await fetch(`http://127.0.0.1:${ports.api}/_preamp/health`)).ok
}

/** Resolves when the server has said that all of it runs. */
async function announced(output: ReadableStream<Uint8Array>): Promise<void> {
  for await (const bytes of output) if (new TextDecoder().decode(bytes).includes('Preamp is running')) return
}

/** proc(5): fields 14 and 15 of `stat`, in ticks of 10 ms; returns milliseconds. */
function cpuTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
