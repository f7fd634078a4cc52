import type { Blobs } from '../../blobs/blobs.ts'
import { readManifest } from '../../deploy/read-manifest.ts'
import { findBranchById } from '../../store/branches.ts'
import { findDeployment } from '../../store/deployments.ts'
import type { JobRow } from '../../store/schema.ts'
import type { Services } from '../context.ts'
import type { HttpRequest, HttpResponse } from '../http.ts'

/**
 * How `preamp deploy` uploads only changed files: a PUT to an upload URL without a body and with this header asks the
 * server to take the file from what the branch shows now. AWS's clients never send it.
 */
export const knownFileHeader = 'x-preamp-sha256'

/**
 * Takes an upload from the branch's live deployment, if the request asks for that. Only this branch's files are looked at:
 * whoever may upload to it could learn of another's content otherwise.
 * @param job the job of the upload URL, which accepts uploads
 * @param record stores what was uploaded, if the job still accepts it
 * @returns 200 with the same header when the file was taken, 404 when the live deployment has no such bytes and they must be sent, 400 for a
 * header that is no SHA-256 in hex; undefined for an ordinary upload
 */
export async function takeKnownFile(
  request: HttpRequest,
  job: JobRow,
  services: Pick<Services, 'database' | 'blobs'>,
  record: (content: { sha: string; bytes: number }) => Promise<void>,
): Promise<HttpResponse | undefined> {
  const values = request.headers.get(knownFileHeader)
  if (values === undefined) return undefined
  const [sha = ''] = values
  if (values.length !== 1 || !/^[0-9a-f]{64}$/.test(sha))
    return answer(400, `${knownFileHeader} is not a SHA-256 in hex`)
  const bytes = (await liveFileSizes(job.branchId, services)).get(sha)
  // Touched, so that the bytes outlive the live deployment until the row that is written next refers to them.
  if (bytes === undefined || !(await services.blobs.touch(sha))) {
    return answer(404, 'The live deployment has no such file: send its bytes')
  }
  await record({ sha, bytes })
  return { status: 200, headers: { [knownFileHeader]: sha }, body: null }
}

function answer(status: number, message: string): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) }
}

interface FileSizes {
  manifestSha: string
  bySha: ReadonlyMap<string, number>
}

/** The manifest that was read last: a deploy asks once for each of its files. */
const lastRead = new WeakMap<Blobs, FileSizes>()

async function liveFileSizes(
  branchId: string,
  { database, blobs }: Pick<Services, 'database' | 'blobs'>,
): Promise<ReadonlyMap<string, number>> {
  const branch = await findBranchById(database.queries, branchId)
  const deployment = branch?.activeDeploymentId
    ? await findDeployment(database.queries, branch.activeDeploymentId)
    : undefined
  if (!deployment) return new Map()
  const last = lastRead.get(blobs)
  if (last?.manifestSha === deployment.manifestSha) return last.bySha
  const manifest = await readManifest(blobs, deployment.manifestSha)
  const bySha = new Map(Object.values(manifest.files).map((file) => [file.sha, file.size]))
  lastRead.set(blobs, { manifestSha: deployment.manifestSha, bySha })
  return bySha
}
