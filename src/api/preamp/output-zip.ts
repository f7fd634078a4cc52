import { readManifest } from '../../deploy/read-manifest.ts'
import { newId } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import { emptyManifest, type Manifest } from '../../model/manifest.ts'
import { findJobArtifact, insertArtifact, listTestArtifacts } from '../../store/artifacts.ts'
import { findDeploymentOfJob } from '../../store/deployments.ts'
import { findJobByKey } from '../../store/jobs.ts'
import type { ArtifactRow } from '../../store/schema.ts'
import type { Services } from '../context.ts'

/** `build-output`: what a job published. `test-output`: what its tests left. */
export type OutputKind = 'build-output' | 'test-output'

export const outputFiles: Record<OutputKind, string> = {
  'build-output': 'BUILD/artifacts.zip',
  'test-output': 'TEST/testArtifacts.zip',
}

/** Zips at work, so that requests at once make each only once. */
const making = new Map<string, Promise<ArtifactRow | undefined>>()

/** What a job left, as a zip: made when it is first asked for. Undefined when the job is gone or left nothing of the kind. */
export async function outputZip(
  kind: OutputKind,
  jobKey: string,
  services: Services,
): Promise<ArtifactRow | undefined> {
  const known = await findJobArtifact(services.database.queries, jobKey, kind, outputFiles[kind])
  if (known) return known
  const place = `${kind} ${jobKey}`
  const started = making.get(place)
  if (started) return started
  const made = make(kind, jobKey, services).finally(() => making.delete(place))
  making.set(place, made)
  return made
}

async function make(kind: OutputKind, jobKey: string, services: Services): Promise<ArtifactRow | undefined> {
  const { database, blobs, now } = services
  const { queries } = database
  const output = await (kind === 'build-output' ? published : testFiles)(jobKey, services)
  if (!output) return undefined
  // Few ask for a zip, and its writer takes long to load: it asks for the time zone.
  const { writeBuildOutputZip } = await import('../../deploy/build-output.ts')
  const { sha, size } = await blobs.put(writeBuildOutputZip(blobs, output.files, output.madeAt))
  const fileName = outputFiles[kind]
  try {
    const artifactId = newId()
    await insertArtifact(queries, { artifactId, jobKey, kind, fileName, sha, bytes: size, createdAt: now() })
  } catch (error) {
    // The job was deleted meanwhile, and the row refers to nothing.
    if (await findJobByKey(queries, jobKey)) throw error
  }
  return findJobArtifact(queries, jobKey, kind, fileName)
}

interface Output {
  files: Manifest
  madeAt: number
}

async function published(jobKey: string, { database, blobs }: Services): Promise<Output | undefined> {
  const deployment = await findDeploymentOfJob(database.queries, jobKey)
  if (!deployment) return undefined
  return { files: await readManifest(blobs, deployment.manifestSha), madeAt: deployment.createdAt }
}

async function testFiles(jobKey: string, { database }: Services): Promise<Output | undefined> {
  const rows = await listTestArtifacts(database.queries, jobKey, { limit: limits.testArtifactsMax + 1 })
  const files = emptyManifest()
  for (const { fileName, sha, bytes } of rows) files.files[fileName] = { sha, size: bytes }
  return rows[0] && { files, madeAt: rows[0].createdAt }
}
