/**
 * `npm run bench` runs every benchmark, `npm run bench -- edge publish` some. Each is a program of its own that prints
 * its figures and a ratio against a peer measured in the same run. Options, as in `-- edge --rounds 3`, are handed on.
 */
const benchmarks = [
  'edge',
  'soak',
  'access-log',
  'observation',
  'publish',
  'empty-build',
  'sandbox',
  'builds',
  'queue',
  'start',
  'api',
  'size',
]

const words = process.argv.slice(2)
const firstOption = words.findIndex((word) => word.startsWith('--'))
const asked = firstOption === -1 ? words : words.slice(0, firstOption)
const options = words.slice(asked.length)
const unknown = asked.filter((name) => !benchmarks.includes(name))
if (unknown.length > 0) {
  console.error(`No benchmark is called ${unknown.join(', ')}. There are: ${benchmarks.join(', ')}.`)
  process.exit(2)
}
for (const name of asked.length > 0 ? asked : benchmarks) {
  console.log(`\n== ${name}`)
  const { exitCode } = Bun.spawnSync([process.execPath, `${import.meta.dir}/${name}.ts`, ...options], {
    stdout: 'inherit',
    stderr: 'inherit',
  })
  if (exitCode !== 0) process.exitCode = exitCode
}
