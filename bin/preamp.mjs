#!/usr/bin/env node
// `npx preamp …` and an installed `preamp` start under Node; Preamp itself runs on the Bun that npm installed beside it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const bun = createRequire(import.meta.url)
  .resolve('bun/package.json')
  .replace(/package\.json$/, 'bin/bun.exe')
if (!existsSync(bun)) {
  console.error(`Bun is not installed at ${bun}. Run npm install in the folder of Preamp.`)
  process.exit(2)
}

const child = spawn(bun, ['run', main, ...process.argv.slice(2)], { stdio: 'inherit' })
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
