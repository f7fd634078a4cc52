import type { Step } from '@aws-sdk/client-amplify'

import { limits } from '../model/limits.ts'
import type { ArtifactRow } from '../store/schema.ts'
import type { OperationContext } from './context.ts'
import { artifactUrl, transferUrl } from './job-urls.ts'
import type { OwnedJob } from './look-up.ts'

/** What the test phase of a job left: its files, and the one among them that tells the results. */
export interface TestResults {
  files: ArtifactRow[]
  config: ArtifactRow | undefined
}

/** The longest that AWS's model allows. */
const screenshotNameCharactersMax = 256

/** The members of step TEST that lead to its artifacts (contract/api-behaviour.md §5). */
export function viewTestResults(
  context: OperationContext,
  owned: OwnedJob,
  { files, config }: TestResults,
): Pick<Step, 'testArtifactsUrl' | 'testConfigUrl' | 'screenshots'> {
  if (files.length === 0) return {}
  const screenshots = files
    .filter(({ fileName }) => /\.(png|jpe?g|webp)$/i.test(fileName))
    .filter(({ fileName }) => fileName.length <= screenshotNameCharactersMax)
    .slice(0, limits.screenshotsMax)
  return {
    testArtifactsUrl: transferUrl(context, owned, 'TEST/testArtifacts.zip', {
      kind: 'test-output',
      jobKey: owned.job.jobKey,
    }),
    testConfigUrl: config && artifactUrl(context, owned, config),
    screenshots:
      screenshots.length === 0
        ? undefined
        : Object.fromEntries(screenshots.map((file) => [file.fileName, artifactUrl(context, owned, file)])),
  }
}
