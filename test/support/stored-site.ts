import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Blobs } from '../../src/blobs/blobs.ts'
import { openDiskBlobs } from '../../src/blobs/disk.ts'
import { createDataDirectory, type DataDirectory } from '../../src/data-directory.ts'
import { publish } from '../../src/deploy/publish.ts'
import { emptyManifest } from '../../src/model/manifest.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { changeJob } from '../../src/store/jobs.ts'
import type { JobRow } from '../../src/store/schema.ts'
import { addJob, addSite } from './site-rows.ts'

/** A data directory with a real database and real blobs, without a server. */
export interface StoredState {
  directory: DataDirectory
  database: Database
  blobs: Blobs
  close(): Promise<void>
}

export async function openStoredState(): Promise<StoredState> {
  const directory = createDataDirectory(mkdtempSync(join(tmpdir(), 'preamp-state-')))
  const database = await openDatabase(`sqlite:${directory.database}`)
  return {
    directory,
    database,
    blobs: await openDiskBlobs(directory.blobs),
    async close() {
      await database.close()
      rmSync(directory.path, { recursive: true, force: true })
    },
  }
}

export interface StoredSite {
  appId: string
  branchId: string
  job: JobRow
}

/** An app with a branch whose first job has published these files. */
export async function storeSite(state: StoredState, files: Record<string, string>): Promise<StoredSite> {
  const site = await addSite(state.database)
  await publishFiles(state, site.job, files)
  return site
}

/** The branch's next job, which has published these files. */
export async function storeDeployment(
  state: StoredState,
  branchId: string,
  files: Record<string, string | Uint8Array>,
): Promise<JobRow> {
  const job = await addJob(state.database, branchId)
  await publishFiles(state, job, files)
  return job
}

async function publishFiles(
  { database, blobs }: StoredState,
  job: JobRow,
  files: Record<string, string | Uint8Array>,
): Promise<void> {
  const manifest = emptyManifest()
  for (const [path, content] of Object.entries(files)) manifest.files[path] = await blobs.put(content)
  await publish({ database, blobs, job, manifest, now: Date.now() })
  await changeJob(database.queries, job.jobKey, ['RUNNING'], { status: 'SUCCEED', endedAt: Date.now() })
}

/** Where the disk keeps a blob, for tests that damage it. */
export function blobPath({ blobs }: Pick<DataDirectory, 'blobs'>, sha: string): string {
  return join(blobs, sha.slice(0, 2), sha.slice(2))
}

export function shaOf(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex')
}
