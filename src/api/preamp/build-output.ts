import { readManifest } from '../../deploy/read-manifest.ts'
import { newId } from '../../model/ids.ts'
import { findJobArtifact, insertArtifact } from '../../store/artifacts.ts'
import { findDeploymentOfJob } from '../../store/deployments.ts'
import { findJobByKey } from '../../store/jobs.ts'
import type { ArtifactRow } from '../../store/schema.ts'
import type { Services } from '../context.ts'

const fileName = 'BUILD/artifacts.zip'

/** Zips at work, so that requests at once make each only once. */
const making = new Map<string, Promise<ArtifactRow | undefined>>()

/** What a job built, as a zip: made when it is first asked for. Undefined when the job is gone or published nothing. */
export async function buildOutput(jobKey: string, services: Services): Promise<ArtifactRow | undefined> {
  const known = await findJobArtifact(services.database.queries, jobKey, 'build-output', fileName)
  if (known) return known
  const started = making.get(jobKey)
  if (started) return started
  const made = make(jobKey, services).finally(() => making.delete(jobKey))
  making.set(jobKey, made)
  return made
}

async function make(
  jobKey: string,
  { database: { queries }, blobs, now }: Services,
): Promise<ArtifactRow | undefined> {
  const deployment = await findDeploymentOfJob(queries, jobKey)
  if (!deployment) return undefined
  const manifest = await readManifest(blobs, deployment.manifestSha)
  // Few ask for a zip, and its writer takes long to load: it asks for the time zone.
  const { writeBuildOutputZip } = await import('../../deploy/build-output.ts')
  const { sha, size } = await blobs.put(writeBuildOutputZip(blobs, manifest, deployment.createdAt))
  try {
    const artifactId = newId()
    await insertArtifact(queries, {
      artifactId,
      jobKey,
      kind: 'build-output',
      fileName,
      sha,
      bytes: size,
      createdAt: now(),
    })
  } catch (error) {
    // The job was deleted meanwhile, and the row refers to nothing.
    if (await findJobByKey(queries, jobKey)) throw error
  }
  return findJobArtifact(queries, jobKey, 'build-output', fileName)
}
