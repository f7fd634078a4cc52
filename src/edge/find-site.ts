import type { Blobs } from '../blobs/blobs.ts'
import { readManifest } from '../deploy/read-manifest.ts'
import type { NamedHost } from '../model/site-address.ts'
import type { Queries } from '../store/database.ts'
import { findSite, findSiteOfJob, type SiteRow } from '../store/deployments.ts'
import { findDomainSite } from '../store/domain-sites.ts'
import type { DeploymentRow } from '../store/schema.ts'
import { FileTable } from './file-table.ts'
import type { Deployment } from './site.ts'

/**
 * What the database says of a host; undefined for one that is nobody's.
 * @returns with it whether the host is the permanent address of a job, which shows that job's deployment for good
 */
export async function findSiteRow(
  queries: Queries,
  address: NamedHost,
): Promise<{ row: SiteRow; isPermanent: boolean } | undefined> {
  if (address.kind === 'domain') return shown(await findDomainSite(queries, address.name), false)
  const { appId, displayName } = address
  const row = await findSite(queries, appId, displayName)
  if (row || address.kind === 'branch') return shown(row, false)
  return shown(await findSiteOfJob(queries, appId, address.job), true)
}

function shown(row: SiteRow | undefined, isPermanent: boolean) {
  return row && { row, isPermanent }
}

/** @throws {UnreadableManifest} */
export async function readDeployment(
  blobs: Blobs,
  { deploymentId, manifestSha, createdAt }: DeploymentRow,
): Promise<Deployment> {
  const {
    files,
    customHeaders,
    legacyCustomHeaders,
    customRules,
    appRoot = '',
    folder = '',
  } = await readManifest(blobs, manifestSha)
  const modifiedAt = Math.floor(createdAt / 1000) * 1000
  return {
    deploymentId,
    files: new FileTable(files),
    modifiedAt,
    lastModified: new Date(modifiedAt).toUTCString(),
    customHeaders,
    legacyCustomHeaders,
    customRules,
    appRoot,
    folder,
  }
}
