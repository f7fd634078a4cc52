import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startPostgres, type TemporaryPostgres } from '../support/postgres.ts'
import { startPreamp } from '../support/preamp.ts'
import { requires } from '../support/requires.ts'

describe.if(requires('postgres'))('preamp serve on PostgreSQL', () => {
  let postgres: TemporaryPostgres
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'preamp-site-'))
    postgres = await startPostgres()
  })
  afterAll(async () => {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('what is deployed is what every edge shows', async () => {
    const databaseUrl = await postgres.createDatabase()
    const environment = { PREAMP_DATABASE_URL: databaseUrl, PREAMP_EDGE_PROCESSES: '2' }
    const preamp = await startPreamp({ environment })
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
