import { afterAll, test } from 'bun:test'

import { closeTestEngine, requiresContainers } from '../support/container-engine.ts'
import { killInEachPhase, phaseNames } from '../support/phase-kills.ts'
import { requires } from '../support/requires.ts'

/** `PREAMP_KILL_ROUNDS=50 npx bun test test/integration/phase-kills.test.ts` for the long run, with containers too. */
const rounds = Number(process.env['PREAMP_KILL_ROUNDS'] ?? 1)

afterAll(closeTestEngine)

const executors = [
  ['process', true],
  ['bubblewrap', requires('bwrap')],
  ['docker', rounds > 1 && (await requiresContainers())],
] as const

test.each(executors.filter(([, there]) => there).map(([name]) => name))(
  'a server with %s that is killed in any phase of a job leaves nothing behind, and the job ends with a reason',
  (executor) => killInEachPhase(executor, rounds),
  rounds * phaseNames.length * 15_000,
)
