import type { Command } from 'commander'

import type { RollbackAnswer, RollbackList } from '../api/preamp/rollback.ts'
import { clientDescriptions, clientSettings } from './amplify-client.ts'
import { callEndpoint } from './call-endpoint.ts'
import { callServer } from './call-server.ts'
import { addSettings } from './settings-options.ts'
import { printTable } from './table.ts'

/** `preamp rollback`: shows visitors an earlier deployment, without a build. */
export function register(program: Command): void {
  const command = program
    .command('rollback')
    .description('Show visitors of a branch the deployment of an earlier job, at once and without a build.')
    .argument('<app-id>')
    .argument('<branch>')
    .argument('[job-id]', 'the one before the live one when left out')
    .option('--list', 'only show which jobs can be chosen')
  addSettings(command, clientSettings, clientDescriptions).action(
    (appId: string, branchName: string, jobId: string | undefined, { list }: { list?: true }) =>
      callServer(command, async (config) => {
        const path = `/_preamp/apps/${encodeURIComponent(appId)}/branches/${encodeURIComponent(branchName)}/rollback`
        if (list) return printChoices(await callEndpoint<RollbackList>(config, 'GET', path))
        const { activeJobId } = await callEndpoint<RollbackAnswer>(config, 'POST', path, { jobId })
        console.log(`Job ${activeJobId} is live.`)
      }),
  )
}

function printChoices({ activeJobId, jobs }: RollbackList): void {
  printTable(
    ['JOB', 'ENDED', 'FILES', 'COMMIT', 'MESSAGE', 'ADDRESS'],
    jobs.map(({ jobId, endTime, files, commitId, commitMessage, url }) => [
      jobId === activeJobId ? `${jobId} (live)` : jobId,
      new Date(endTime * 1000).toISOString(),
      String(files),
      commitId.slice(0, 12),
      commitMessage.split('\n')[0]!.slice(0, 60),
      url,
    ]),
  )
}
