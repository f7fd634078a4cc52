import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startPostgres } from '../support/postgres.ts'
import { startPreamp } from '../support/preamp.ts'
import { requires } from '../support/requires.ts'

describe.if(requires('postgres'))('preamp serve on PostgreSQL', () => {
  test('what is deployed is what every edge shows', async () => {
    const postgres = await startPostgres()
    const folder = mkdtempSync(join(tmpdir(), 'preamp-site-'))
    const preamp = await startPreamp({
      environment: { PREAMP_DATABASE_URL: await postgres.createDatabase(), PREAMP_EDGE_PROCESSES: '2' },
    })
    try {
      for (const text of ['first', 'second', 'third']) {
        writeFileSync(join(folder, 'index.html'), text)
        const site = deploy(folder, preamp.dataDir)
        // Each request on a connection of its own, so that both edges get some.
        const answers = Array.from({ length: 20 }, async () =>
          (await fetch(site, { headers: { connection: 'close' } })).text(),
        )
        expect(new Set(await Promise.all(answers))).toEqual(new Set([text]))
      }
    } finally {
      await preamp.stop()
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

/** Runs `preamp deploy`; returns the address that it prints. */
function deploy(folder: string, dataDir: string): string {
  const mainScript = join(import.meta.dir, '../../src/main.ts')
  const { stdout, stderr, exitCode } = Bun.spawnSync(
    [process.execPath, mainScript, 'deploy', folder, '--data-dir', dataDir],
    { env: { PATH: process.env['PATH'] } },
  )
  if (exitCode !== 0) throw new Error(stderr.toString())
  return stdout.toString().trim()
}
