import { z } from 'zod'

import { jobActions, type SourceUrlType } from '../model/jobs.ts'
import { limits } from '../model/limits.ts'
import { endAbandonedUpload } from '../store/abandoned-uploads.ts'
import { changeJob } from '../store/jobs.ts'
import { insertUploads } from '../store/uploads.ts'
import type { OperationContext } from './context.ts'
import { BadRequestException } from './errors.ts'
import { awaitedUploads } from './file-map.ts'
import { transferUrl } from './job-urls.ts'
import { viewJobSummary } from './job-view.ts'
import { ownBranch, type OwnedBranch, type OwnedJob, ownJob } from './look-up.ts'
import { addJob } from './new-job.ts'
import { operation } from './operation.ts'
import * as shape from './schema.ts'

const uploadMilliseconds = limits.uploadSecondsMax * 1000

export const createDeployment = operation('CreateDeployment', {
  input: z.object({ ...shape.branchAddress, fileMap: shape.fileMap.optional() }),
  async handle(context, { fileMap, ...input }) {
    const { caller, services } = context
    const uploads = awaitedUploads(fileMap)
    const createdAt = services.now()
    const owned = await addJob(services.database, {
      async plan(transaction) {
        const found = await ownBranch(transaction, caller, input)
        refuseConnected(found)
        return { ...found, origin: { type: 'MANUAL', status: 'CREATED', createdAt } }
      },
      busy: notFinished,
      also: (transaction, { jobKey }) =>
        insertUploads(
          transaction,
          uploads.map((upload) => ({ ...upload, jobKey, sha: null, bytes: null })),
        ),
    })
    const urlOf = (name: string) =>
      transferUrl(
        context,
        owned,
        name === '' ? 'DEPLOY/site.zip' : `DEPLOY/files/${name}`,
        { kind: 'upload', jobKey: owned.job.jobKey, name },
        createdAt + uploadMilliseconds,
      )
    const urls = new Map(uploads.map(({ name }) => [name, urlOf(name)]))
    const zipUploadUrl = urls.get('') ?? ''
    urls.delete('')
    return { jobId: String(owned.job.number), fileUploadUrls: Object.fromEntries(urls), zipUploadUrl }
  },
})

export const startDeployment = operation('StartDeployment', {
  input: z.object({
    ...shape.branchAddress,
    jobId: shape.jobId.optional(),
    sourceUrl: shape.sourceUrl.optional(),
    sourceUrlType: shape.sourceUrlType.optional(),
  }),
  async handle(context, { jobId, sourceUrl, sourceUrlType, ...input }) {
    if (jobId === undefined && sourceUrl === undefined) {
      throw new BadRequestException('Must specify jobId or sourceUrl for StartDeploymentRequest.')
    }
    if (jobId !== undefined && sourceUrl !== undefined) {
      throw new BadRequestException(
        'Specify either jobId or sourceUrl for StartDeploymentRequest, not both: a job of CreateDeployment publishes what was uploaded to it.',
      )
    }
    const owned =
      jobId !== undefined
        ? await startUploaded(context, { ...input, jobId })
        : await startFromSource(context, input, sourceUrl!, sourceUrlType ?? 'ZIP')
    context.services.jobsChanged()
    return { jobSummary: viewJobSummary(owned) }
  },
})

async function startUploaded(
  { caller, services }: OperationContext,
  input: { appId: string; branchName: string; jobId: string },
): Promise<OwnedJob> {
  const { queries } = services.database
  const owned = await ownJob(queries, caller, input)
  refuseConnected(owned)
  const { jobKey, number, createdAt } = owned.job
  const endedAt = services.now()
  if (endedAt > createdAt + uploadMilliseconds) {
    await services.database.transaction((transaction) => endAbandonedUpload(transaction, jobKey, endedAt))
  }
  return services.database.transaction(async (transaction) => {
    const job = await changeJob(transaction, jobKey, jobActions.startDeployment, { status: 'PENDING' })
    if (job) return { ...owned, job }
    const { status } = (await ownJob(transaction, caller, input)).job
    throw new BadRequestException(
      `Job ${number} is ${status}: only a job of CreateDeployment that is CREATED can be started, within ${limits.uploadSecondsMax / 3600} hours. Create a new deployment.`,
    )
  })
}

function startFromSource(
  { caller, services }: OperationContext,
  input: { appId: string; branchName: string },
  sourceUrl: string,
  sourceUrlType: SourceUrlType,
): Promise<OwnedJob> {
  if (sourceUrlType === 'BUCKET_PREFIX' && !sourceUrl.startsWith('s3://')) {
    throw new BadRequestException(
      'A sourceUrl of the type BUCKET_PREFIX must have the form s3://bucket/prefix.',
    )
  }
  return addJob(services.database, {
    async plan(transaction) {
      const found = await ownBranch(transaction, caller, input)
      refuseConnected(found)
      const createdAt = services.now()
      return { ...found, origin: { type: 'MANUAL', status: 'PENDING', createdAt, sourceUrl, sourceUrlType } }
    },
    busy: notFinished,
  })
}

function refuseConnected({ app }: OwnedBranch): void {
  if (app.settings.repository === undefined) return
  throw new BadRequestException('Operation not supported. App is already connected a repository.')
}

const notFinished = ({ job: { number } }: OwnedJob) =>
  new BadRequestException(
    `The last job(deployment) ${number} was not finished, please wait until it finish or use StopJob operation to cancel it before creating a new deployment.`,
  )
