/**
 * Reads bun's summary, which stands at the end of its output, together with its exit code. A run that ended badly without
 * counting a failure (it crashed before its summary), or in which nothing passed, counts as one failure.
 */
export function readSummary(output: string, exitCode: number): { passed: number; failed: number } {
  const text = Bun.stripANSI(output)
  const passed = lastCount(text, /^ *(\d+) pass$/gm)
  const failed = Math.max(lastCount(text, /^ *(\d+) fail$/gm), lastCount(text, /^ *(\d+) errors?$/gm))
  const ran = /^Ran \d+ tests? across \d+ files?\./m.test(text)
  const endedWell = exitCode === 0 && ran && passed > 0
  return { passed, failed: endedWell ? failed : Math.max(failed, 1) }
}

function lastCount(text: string, pattern: RegExp): number {
  return Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0)
}
