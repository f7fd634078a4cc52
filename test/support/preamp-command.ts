import { join } from 'node:path'

/** What a command printed, and how it ended. */
export interface CommandResult {
  exitCode: number
  output: string
  errors: string
}

/** Starts `preamp` as a user would, with the data directory of a server for its address and key. */
export function startCommand(dataDir: string, ...words: string[]) {
  const main = join(import.meta.dir, '../../src/main.ts')
  // Neither keys nor settings of who runs the tests.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|PREAMP)_/.test(name)))
  return Bun.spawn([process.execPath, main, ...words, '--data-dir', dataDir], {
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
}

/** Runs it to its end. */
export async function runCommand(dataDir: string, ...words: string[]): Promise<CommandResult> {
  const child = startCommand(dataDir, ...words)
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return { exitCode: await child.exited, output, errors }
}
