/** Types, lint and format: what `npm run check` and the first part of `npm test` run. Exits non-zero when one of them fails. */
const checks = [
  { name: 'types', command: ['bun', 'check', '--no-script'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', command: ['bun', 'fmt', '--check', '--no-script'] },
]

let failed = 0
for (const { name, command } of checks) {
  const { exitCode } = Bun.spawnSync(command, { stdout: 'inherit', stderr: 'inherit', env: binariesFirst() })
  console.log(`${exitCode === 0 ? 'ok' : 'FAILED'}: ${name}`)
  if (exitCode !== 0) failed += 1
}
process.exit(failed === 0 ? 0 : 1)

function binariesFirst(): Record<string, string | undefined> {
  return { ...process.env, PATH: `${import.meta.dir}/../node_modules/.bin:${process.env['PATH'] ?? ''}` }
}
