/** The middle of the values: what one slow round does not move. */
export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

/** @returns milliseconds */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Runs a program to its end. @throws with what it said when it fails */
export function runProgram(command: string[], options: { cwd?: string; stdin?: Uint8Array } = {}): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { stdin: 'ignore', stdout: 'ignore', ...options })
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}: ${stderr.toString()}`)
}

/** The number that follows `name` on the command line. */
export function option(name: string, otherwise: number): number {
  const position = process.argv.indexOf(name)
  return position === -1 ? otherwise : Number(process.argv[position + 1])
}
