import type { Blobs } from '../blobs/blobs.ts'
import { readManifest } from '../deploy/read-manifest.ts'
import type { NamedHost } from '../model/site-address.ts'
import type { Queries } from '../store/database.ts'
import { findSite, type SiteRow } from '../store/deployments.ts'
import { findDomainSite } from '../store/domain-sites.ts'
import type { DeploymentRow } from '../store/schema.ts'
import { FileTable } from './file-table.ts'
import type { Deployment } from './site.ts'

/** What the database says of a host; undefined for one that is nobody's. */
export function findSiteRow(queries: Queries, address: NamedHost): Promise<SiteRow | undefined> {
  return address.kind === 'branch'
    ? findSite(queries, address.appId, address.displayName)
    : findDomainSite(queries, address.name)
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
  } = await readManifest(blobs, manifestSha)
  return {
    deploymentId,
    files: new FileTable(files),
    modifiedAt: Math.floor(createdAt / 1000) * 1000,
    customHeaders,
    legacyCustomHeaders,
    customRules,
    appRoot,
  }
}
