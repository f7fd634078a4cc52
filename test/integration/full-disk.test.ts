import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'

import type { Failure, Members } from '../support/contract.ts'
import { call, failureOf } from '../support/contract.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { getRaw } from '../support/raw-http.ts'
import { canMountDisk, mountDisk, type SmallDisk } from '../support/small-disk.ts'
import { waitFor } from '../support/wait-for.ts'
import { zipOf } from '../support/zip-writer.ts'

describe.if(canMountDisk())('on a full disk', () => {
  let disk: SmallDisk
  let preamp: TestPreamp
  let site: { appId: string; branchName: string }
  beforeAll(async () => {
    disk = mountDisk()
    // The disk is smaller than the room below which no job is begun.
    const environment = { PREAMP_BUILD_DISK_FREE_GIB: '0' }
    preamp = await startPreamp({ dataDir: join(disk.path, 'data'), environment })
    site = { appId: await newApp(), branchName: 'main' }
    await call(preamp.client, 'CreateBranch', site)
    await deploy('before')
  }, 60_000)
  afterAll(async () => {
    await preamp.stop({ keepData: true })
    disk.unmount()
  })

  const isFull: Failure = {
    name: 'DependentServiceFailureException',
    status: 503,
    message: "The server's disk is full. It takes changes again as soon as there is room on it.",
  }

  async function newApp(description = ''): Promise<string> {
    const { app } = await call(preamp.client, 'CreateApp', { name: 'app', description })
    return String((app as Members)['appId'])
  }

  /** Puts a page online by an upload. */
  async function deploy(page: string): Promise<void> {
    const { client } = preamp
    const { jobId, zipUploadUrl } = await call(client, 'CreateDeployment', site)
    const body = zipOf([{ name: 'index.html', content: page }])
    expect((await fetch(String(zipUploadUrl), { method: 'PUT', body })).status).toBe(200)
    await call(client, 'StartDeployment', { ...site, jobId })
    await waitFor(`the page ${page}`, 30, async () => {
      const { job } = await call(client, 'GetJob', { ...site, jobId })
      return ((job as Members)['summary'] as Members)['status'] === 'SUCCEED'
    })
    expect((await visit()).body).toBe(page)
  }

  const visit = () => {
    const { hostname, port } = new URL(preamp.sitesUrl)
    return getRaw(Number(port), `main.${site.appId}.${hostname}`, '/')
  }

  test('writes are refused by name, reads and sites go on; with room again, all is there that was acknowledged', async () => {
    const { client } = preamp
    const acknowledged = new Map<string, string>()
    let refusals = 0
    const createUntilFull = async (description: string) => {
      for (let full = false; !full;) {
        const failure = await newApp(description).then(
          (appId) => void acknowledged.set(appId, description),
          () => failureOf(client, 'CreateApp', { name: 'app', description }),
        )
        full = failure !== undefined
        if (full) expect(failure).toEqual(isFull)
      }
    }
    const { jobId, zipUploadUrl } = await call(client, 'CreateDeployment', site)
    disk.resize(disk.usedKibibytes() + 600)
    await createUntilFull('a'.repeat(1000))
    await createUntilFull('')
    expect(acknowledged.size).toBeGreaterThan(10)

    for (const [appId] of [...acknowledged].slice(0, 20)) {
      const failure = await failureOf(client, 'UpdateApp', { appId, description: 'changed' })
      if (failure) refusals += 1
      else acknowledged.set(appId, 'changed')
      expect([undefined, isFull]).toContainEqual(failure)
      expect(await failureOf(client, 'GetApp', { appId })).toBeUndefined()
    }
    expect(refusals).toBeGreaterThan(0)
    expect(
      await failureOf(client, 'DeleteBranch', { appId: site.appId, branchName: 'none' }),
    ).not.toMatchObject({
      status: 500,
    })
    const upload = await fetch(String(zipUploadUrl), { method: 'PUT', body: 'a'.repeat(1_000_000) })
    expect(upload.status).toBe(503)
    expect(await upload.json()).toMatchObject({ message: expect.stringContaining('disk') as string })
    expect((await visit()).body).toBe('before')
    expect((await fetch(`${preamp.apiUrl}/_preamp/health`)).status).toBe(200)

    disk.resize(1024 * 1024)
    for (const [appId, description] of acknowledged) {
      const { app } = await call(client, 'GetApp', { appId })
      expect(String((app as Members)['description'])).toBe(description)
    }
    await call(client, 'StopJob', { ...site, jobId })
    await deploy('after')
    const doctor = Bun.spawnSync([
      process.execPath,
      join(import.meta.dir, '../../src/main.ts'),
      'doctor',
      '--data-dir',
      preamp.dataDir,
    ])
    expect(doctor.stdout.toString() + doctor.stderr.toString()).toContain('Nothing is wrong.')
    expect(doctor.exitCode).toBe(0)
  }, 120_000)
})
