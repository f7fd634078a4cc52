/**
 * Runs a program to its end.
 * @returns what it printed on its standard output
 * @throws with all that it printed, when it fails
 */
export async function runProgram(
  command: string[],
  options: { cwd?: string; env: Record<string, string> },
): Promise<string> {
  const child = Bun.spawn(command, { ...options, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()])
  const exitCode = await child.exited
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}:\n${output}\n${errors}`)
  return output
}
