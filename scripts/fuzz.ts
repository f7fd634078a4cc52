import { parseArgs } from 'node:util'

import { fuzz } from '../test/support/fuzz/fuzz.ts'

/**
 * `npm run fuzz -- [--requests 100000] [--seed 1] [--first 0]` sends wrong requests to a server of its own. The same seed
 * makes the same requests: `--first 1234 --requests 1` sends number 1234 again.
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    first: { type: 'string', default: '0' },
  },
})
const options = { requests: Number(values.requests), seed: Number(values.seed), first: Number(values.first) }
console.log(`${options.requests} requests from number ${options.first}, --seed ${options.seed}`)
const started = performance.now()
const { findings, outcomes } = await fuzz(options)
for (const [outcome, count] of [...outcomes].toSorted(([, one], [, other]) => other - one)) {
  console.log(`${String(count).padStart(8)}  ${outcome}`)
}
for (const finding of findings) console.error(`\n${finding}`)
console.log(`${findings.length} findings in ${Math.round((performance.now() - started) / 1000)} s`)
process.exit(findings.length === 0 ? 0 : 1)
