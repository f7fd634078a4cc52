import { test } from 'bun:test'

import { crashRounds } from '../support/crash-rounds.ts'

/** `PREAMP_CRASH_ROUNDS=50 npx bun test test/integration/crash.test.ts` for the long run. */
const rounds = Number(process.env['PREAMP_CRASH_ROUNDS'] ?? 4)

test(
  'after kill -9 of control, edge or both, all that was acknowledged holds',
  () => crashRounds(rounds),
  rounds * 60_000,
)
