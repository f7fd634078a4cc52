import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { limits } from '../../src/model/limits.ts'
import {
  closeTestEngine,
  openTestEngine,
  requiresContainers,
  type TestEngine,
} from '../support/container-engine.ts'
import { createGitRepository, type TestRepository } from '../support/git-repository.ts'
import { type JobRuns, openJobRuns } from '../support/job-runs.ts'
import { requires } from '../support/requires.ts'
import { waitFor } from '../support/wait-for.ts'

const MiB = 1024 ** 2
const executors = [
  ['process', true],
  ['bubblewrap', requires('bwrap')],
  ['docker', await requiresContainers()],
] as const
afterAll(closeTestEngine)

/** The cases of docs/security.md that need a whole job; those of a session alone are in test/contracts/executor.test.ts. */
describe.each(executors.filter(([, there]) => there).map(([name]) => name))(
  'a hostile build in %s',
  (executor) => {
    let runs: JobRuns
    let repository: TestRepository

    beforeAll(async () => {
      runs = await openJobRuns({
        executor,
        ...(executor === 'docker' && { engine: (await openTestEngine()) as TestEngine }),
        runner: {
          sessionLimits: () => ({ memoryBytes: 1024 * MiB, processesMax: 256, cpus: 2, diskBytes: 64 * MiB }),
        },
      })
      repository = await createGitRepository({ 'index.html': 'the page' })
    })
    afterAll(async () => {
      await runs.close()
      repository.remove()
    })

    /** The ended job of a build that runs the command after it made `out/index.html`. */
    async function buildWith(command: string) {
      const commands = JSON.stringify(['mkdir out; cp index.html out', command])
      const buildSpec = `version: 1\nfrontend:\n  phases: { build: { commands: ${commands} } }\n  artifacts: { baseDirectory: out }\n`
      const job = await runs.finish(
        await runs.start(await runs.addApp({ repository: repository.url, buildSpec })),
      )
      await waitFor('its folder to be gone', 20, () => !existsSync(join(runs.workRoot, job.jobKey)))
      return job
    }

    test('that puts functions in the place of the shell’s own commands is not heard', async () => {
      const environmentVariables = { 'BASH_FUNC_builtin%%': '() { echo taken over; exit 7; }' }
      const buildSpec = `version: 1\nfrontend:\n  phases: { build: { commands: [mkdir out; cp index.html out, "compgen -A function builtin || echo nothing is taken over"] } }\n  artifacts: { baseDirectory: out }\n`
      const job = await runs.finish(
        await runs.start(await runs.addApp({ repository: repository.url, buildSpec, environmentVariables })),
      )
      expect(job.status, await runs.log(job.jobKey, 'BUILD')).toBe('SUCCEED')
      expect(await runs.log(job.jobKey, 'BUILD')).toContain(']: nothing is taken over')
    })

    test.each([
      ['a file of the machine', 'ln -s /etc/passwd out/page.txt'],
      ['the files of the server', 'ln -s ../../../../.. out/server'],
      ['the environment of who reads', 'ln -s /proc/self/environ out/page.txt'],
      ['a folder of the machine, in place of the output', 'rm -r out; ln -s /etc out'],
    ])('publishes nothing by a link to %s', async (_, command) => {
      expect(await buildWith(command)).toMatchObject({
        status: 'FAILED',
        statusReason: expect.stringMatching(/leads out|lies outside of the build/),
      })
    })

    test('leaves nothing behind by closing its files and folders', async () => {
      const job = await buildWith(
        'mkdir -p closed/er; touch closed/er/file; chmod 0 closed/er/file closed/er closed',
      )
      expect(job.status).toBe('SUCCEED')
    })

    test('has its log cut when it prints 1 GB, and ends like any other', async () => {
      const job = await buildWith('yes "a line of a build that never stops to talk" | head -c 1000000000')
      expect(job.status).toBe('SUCCEED')
      const log = await runs.log(job.jobKey, 'BUILD')
      expect(Buffer.byteLength(log)).toBeLessThan(limits.buildLogBytesMax + MiB)
      expect(log).toContain('# The log ends here: it is longer than 64 MiB.')
    }, 90_000)

    test('ends when it fills the disk, with the reason', async () => {
      expect(await buildWith('cat /dev/zero > big')).toMatchObject({
        status: 'FAILED',
        statusReason: expect.stringContaining('64 MiB of disk'),
      })
    })
  },
)
