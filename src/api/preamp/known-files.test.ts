import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'

import { memoryBlobs } from '../../../test/support/memory-blobs.ts'
import { addJob, addSite } from '../../../test/support/site-rows.ts'
import { newId } from '../../model/ids.ts'
import type { Manifest } from '../../model/manifest.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { activateDeployment, insertDeployment } from '../../store/deployments.ts'
import type { JobRow } from '../../store/schema.ts'
import { findUpload, insertUploads, recordUpload } from '../../store/uploads.ts'
import type { HttpRequest } from '../http.ts'
import { knownFileHeader, takeKnownFile } from './known-files.ts'

const shaOf = (text: string) => createHash('sha256').update(text).digest('hex')

describe('an upload that asks for a file of the live deployment', () => {
  const blobs = memoryBlobs()
  let database: Database
  let job: JobRow

  beforeAll(async () => {
    database = await openDatabase('sqlite::memory:')
    const site = await addSite(database)
    await publish(site.branchId, site.job, { 'index.html': 'live' })
    job = await addJob(database, site.branchId, 'CREATED')
    await insertUploads(database.queries, [
      { jobKey: job.jobKey, name: 'a.html', md5: null, sha: null, bytes: null },
    ])
    const other = await addSite(database)
    await publish(other.branchId, other.job, { 'index.html': 'of another branch' })
  })
  afterAll(() => database.close())

  async function publish(branchId: string, { jobKey }: JobRow, files: Record<string, string>): Promise<void> {
    const manifest: Manifest = { version: 1, files: {} }
    for (const [path, text] of Object.entries(files)) manifest.files[path] = await blobs.put(text)
    const { sha: manifestSha } = await blobs.put(JSON.stringify(manifest))
    const deploymentId = newId()
    await insertDeployment(database.queries, {
      deploymentId,
      branchId,
      jobKey,
      manifestSha,
      files: 1,
      bytes: 1,
      createdAt: 1,
      replacedAt: null,
      skewProtected: false,
    })
    await database.transaction((transaction) => activateDeployment(transaction, branchId, deploymentId, 1))
  }

  function ask(...values: string[]) {
    const request: HttpRequest = {
      method: 'PUT',
      target: '/',
      headers: new Map(values.length > 0 ? [[knownFileHeader, values]] : []),
      body: new Response('').body ?? new ReadableStream(),
      remoteAddress: '127.0.0.1',
    }
    return takeKnownFile(request, job, { database, blobs }, async (content) => {
      await recordUpload(database.queries, job.jobKey, 'a.html', content)
    })
  }

  test('gets it, and the answer says so', async () => {
    expect(await ask(shaOf('live'))).toMatchObject({
      status: 200,
      headers: { [knownFileHeader]: shaOf('live') },
    })
    expect(await findUpload(database.queries, job.jobKey, 'a.html')).toMatchObject({
      sha: shaOf('live'),
      bytes: 4,
    })
  })

  test('is told to send what the branch does not show', async () => {
    expect((await ask(shaOf('new')))?.status).toBe(404)
  })

  test('learns nothing of what another branch shows', async () => {
    expect((await ask(shaOf('of another branch')))?.status).toBe(404)
  })

  test.each([[['x']], [[shaOf('live').toUpperCase()]], [[shaOf('live'), shaOf('live')]], [['']]])(
    'with %j is refused',
    async (values) => {
      expect((await ask(...values))?.status).toBe(400)
    },
  )

  test('without the header is an ordinary upload', async () => {
    expect(await ask()).toBeUndefined()
  })
})
