import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Blobs } from '../../src/blobs/blobs.ts'
import { openDiskBlobs } from '../../src/blobs/disk.ts'
import { publish } from '../../src/deploy/publish.ts'
import { emptyManifest } from '../../src/model/manifest.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { changeJob } from '../../src/store/jobs.ts'
import { addJob, addSite } from './site-rows.ts'

/** A database and blobs on disk with one app, whose branch `main` gets deployments without a build. */
export interface SiteStore {
  folder: string
  databaseUrl: string
  blobsFolder: string
  database: Database
  blobs: Blobs
  appId: string
  branchId: string
  /** The Host of the branch, where sites are below `localhost`. */
  host: string
  /**
   * Publishes these files and nothing else.
   * @returns the id of the deployment
   */
  deploy(files: Record<string, string | Uint8Array>): Promise<string>
  close(): Promise<void>
}

export async function createSiteStore(): Promise<SiteStore> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-sites-'))
  const databaseUrl = `sqlite:${join(folder, 'preamp.db')}`
  const blobsFolder = join(folder, 'blobs')
  const database = await openDatabase(databaseUrl)
  const blobs = await openDiskBlobs(blobsFolder)
  const { appId, branchId, job: first } = await addSite(database)
  await finish(database, first.jobKey)
  return {
    folder,
    databaseUrl,
    blobsFolder,
    database,
    blobs,
    appId,
    branchId,
    host: `main.${appId}.localhost`,
    async deploy(files) {
      const manifest = emptyManifest()
      for (const [path, content] of Object.entries(files)) manifest.files[path] = await blobs.put(content)
      const job = await addJob(database, branchId)
      const { deployment } = await publish({ database, blobs, job, manifest, now: Date.now() })
      await finish(database, job.jobKey)
      return deployment.deploymentId
    },
    async close() {
      await database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A branch has one running job at a time. */
async function finish(database: Database, jobKey: string): Promise<void> {
  await changeJob(database.queries, jobKey, ['RUNNING'], { status: 'SUCCEED' })
}
