import { z } from 'zod'

import { findAppById } from '../store/apps.ts'
import { findArtifact, listTestArtifacts } from '../store/artifacts.ts'
import { findBranchById } from '../store/branches.ts'
import { findJobByKey } from '../store/jobs.ts'
import { NotFoundException } from './errors.ts'
import { transferUrl } from './job-view.ts'
import { ownJob } from './look-up.ts'
import { operation } from './operation.ts'
import { pageTokens, takePage } from './pagination.ts'
import * as shape from './schema.ts'

/** Names of files are too long for a token: the id names the last artifact, which lives as long as its job. */
const tokens = pageTokens('ListArtifacts', z.object({ artifactId: z.string() }))

/** Artifacts of tests. The build's output is `artifactsUrl` of step BUILD (contract/api-behaviour.md §5). */
export const listArtifacts = operation('ListArtifacts', {
  input: z.object({
    ...shape.jobAddress,
    nextToken: shape.nextToken,
    maxResults: shape.maxResults,
  }),
  async handle({ caller, services }, { nextToken, maxResults, ...input }) {
    const { queries } = services.database
    const { job } = await ownJob(queries, caller, input)
    const cursor = tokens.decode([job.jobKey], nextToken)
    const last = cursor && (await findArtifact(queries, cursor.artifactId))
    const rows = await listTestArtifacts(queries, job.jobKey, {
      after: last?.fileName,
      limit: maxResults + 1,
    })
    const page = takePage(rows, maxResults, ({ artifactId }) => tokens.encode([job.jobKey], { artifactId }))
    return {
      artifacts: page.items.map(({ artifactId, fileName }) => ({ artifactId, artifactFileName: fileName })),
      nextToken: page.nextToken,
    }
  },
})

export const getArtifactUrl = operation('GetArtifactUrl', {
  input: z.object({ artifactId: shape.artifactId }),
  async handle(context, { artifactId }) {
    const { queries } = context.services.database
    const artifact = await findArtifact(queries, artifactId)
    const job = artifact && (await findJobByKey(queries, artifact.jobKey))
    const branch = job && (await findBranchById(queries, job.branchId))
    const app = branch && (await findAppById(queries, branch.appId))
    const { accountId, region } = context.caller
    const isOwn = app?.accountId === accountId && app.region === region
    if (!isOwn || !artifact || !job || !branch || artifact.kind !== 'test') {
      throw new NotFoundException(`Artifact ${artifactId} not found.`)
    }
    const artifactUrl = transferUrl(context, { app, branch, job }, artifact.fileName, {
      kind: 'artifact',
      jobKey: job.jobKey,
      artifactId,
    })
    return { artifactId, artifactUrl }
  },
})
