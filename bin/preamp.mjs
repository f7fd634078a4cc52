#!/usr/bin/env node
// `npx preamp …` and an installed `preamp` start under Node; Preamp itself runs on the Bun that npm installed beside it.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bun = createRequire(import.meta.url)
  .resolve('bun/package.json')
  .replace(/package\.json$/, 'bin/bun.exe')
if (!existsSync(bun)) {
  console.error(`Bun is not installed at ${bun}. Run npm install in the folder of Preamp.`)
  process.exit(2)
}

const bundle = join(root, 'dist/main.js')
const program = isUpToDate(bundle) ? bundle : join(root, 'src/main.ts')
const child = spawn(bun, ['run', program, ...process.argv.slice(2)], { stdio: 'inherit' })
// A terminal's Ctrl-C reaches the child by itself; a supervisor's signals reach only us.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
process.on('SIGINT', () => {})
child.on('error', (error) => {
  console.error(`Bun could not be started: ${error.message}`)
  process.exitCode = 1
})
child.on('exit', (code, signal) => {
  if (signal) process.kill(process.pid, signal)
  else process.exitCode = code ?? 1
})

/** Whether the bundle that `npm install` made holds what stands in `src/` now: it starts in half the time, but only then. */
function isUpToDate(file) {
  if (!existsSync(file)) return false
  const bundledAt = statSync(file).mtimeMs
  const source = join(root, 'src')
  return ['.', ...readdirSync(source, { recursive: true })].every(
    (path) => statSync(join(source, path)).mtimeMs < bundledAt,
  )
}
