import { Glob } from 'bun'

const root = new URL('..', import.meta.url).pathname
const binaries = `${root}node_modules/.bin`

/** The environment in which our tools are found: those of node_modules first. */
export function toolEnvironment(): Record<string, string | undefined> {
  return { ...process.env, PATH: `${binaries}:${process.env['PATH'] ?? ''}` }
}

/** Types, lint, format and the ban on shells: what `npm run check` and the first part of `npm test` run. */
export async function runChecks(): Promise<{ passed: number; failed: number }> {
  const results = [
    ['types', runTool(['bun', 'check', '--no-script'])],
    ['lint', runTool(['oxlint', '--type-aware', '--deny-warnings'])],
    ['format', runTool(['bun', 'fmt', '--check', '--no-script'])],
    ['no shell', await noShells()],
  ] as const
  for (const [name, ok] of results) console.log(`${ok ? 'ok' : 'FAILED'}: ${name}`)
  const passed = results.filter(([, ok]) => ok).length
  return { passed, failed: results.length - passed }
}

function runTool(command: string[]): boolean {
  const { exitCode } = Bun.spawnSync(command, {
    cwd: root,
    stdout: 'inherit',
    stderr: 'inherit',
    env: toolEnvironment(),
  })
  return exitCode === 0
}

/** oxlint bans the functions that start a shell; it has no rule for the option that makes `spawn` start one. */
async function noShells(): Promise<boolean> {
  let clean = true
  for await (const file of new Glob('{src,test,scripts,bench,bin}/**/*.{ts,mjs}').scan(root)) {
    for (const line of linesWithShellOption(await Bun.file(`${root}${file}`).text())) {
      console.error(
        `${file}:${line}: no shell on the control host: give the program its arguments as an array`,
      )
      clean = false
    }
  }
  return clean
}

/** Numbers of the lines, comments left out, on which the option `shell` of `spawn` is set to anything but `false`. */
export function linesWithShellOption(source: string): number[] {
  return source
    .split('\n')
    .flatMap((line, index) =>
      /^(?!\s*(\*|\/[/*])).*\bshell['"]?\s*:\s*(true|['"`])/.test(line) ? [index + 1] : [],
    )
}
