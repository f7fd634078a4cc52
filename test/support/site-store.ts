import type { Blobs } from '../../src/blobs/blobs.ts'
import type { Database } from '../../src/store/database.ts'
import { changeJob } from '../../src/store/jobs.ts'
import { addSite } from './site-rows.ts'
import { openStoredState, storeDeployment } from './stored-site.ts'

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
  const state = await openStoredState()
  const { directory, database, blobs } = state
  const { appId, branchId, job } = await addSite(database)
  // A branch has one running job at a time.
  await changeJob(database.queries, job.jobKey, ['RUNNING'], { status: 'SUCCEED' })
  return {
    folder: directory.path,
    databaseUrl: `sqlite:${directory.database}`,
    blobsFolder: directory.blobs,
    database,
    blobs,
    appId,
    branchId,
    host: `main.${appId}.localhost`,
    deploy: async (files) => (await storeDeployment(state, branchId, files)).deploymentId,
    close: () => state.close(),
  }
}
