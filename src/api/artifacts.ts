import { z } from 'zod'

import { findArtifact, listTestArtifacts } from '../store/artifacts.ts'
import { NotFoundException } from './errors.ts'
import { artifactUrl } from './job-urls.ts'
import { findOwnArtifact, ownJob } from './look-up.ts'
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
    const owned = await findOwnArtifact(queries, context.caller, artifactId)
    if (!owned) throw new NotFoundException(`Artifact ${artifactId} not found.`)
    return { artifactId, artifactUrl: artifactUrl(context, owned, owned.artifact) }
  },
})
