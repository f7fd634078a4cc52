import { CreateAppCommand, CreateBranchCommand, StopJobCommand } from '@aws-sdk/client-amplify'

import type { OperationName } from '../src/api/operation.ts'
import { dataDirectoryAt } from '../src/data-directory.ts'
import { findBranch } from '../src/store/branches.ts'
import { openDatabase } from '../src/store/database.ts'
/**
 * Calls on a server with 2,000 apps, at a branch with 100,000 jobs, against the same calls on a server with few apps,
 * whose branch has no more jobs than are asked for. Both run, and are called in turns. The claim in docs/performance.md: the
 * medians of GetJob, DeleteJob, a page of ListJobs and StartJob are within 1.5 times. `--rounds`, `--apps` and `--jobs`
 * change how long it takes.
 */
import { insertManyApps, insertManyJobs } from '../test/support/many-rows.ts'
import { startPreamp, type TestPreamp } from '../test/support/preamp.ts'
import { type BranchAddress, createEndlessRepository, occupyWorker } from './support/jobs.ts'
import { median, option, timed } from './support/measure.ts'
import { amplifySigner } from './support/signed-requests.ts'

const rounds = option('--rounds', 200)
const size = { apps: option('--apps', 2000), jobs: option('--jobs', 100_000) }
const listedItems = 20

interface Measured {
  preamp: TestPreamp
  branch: BranchAddress
  jobs: number
  milliseconds: Map<OperationName, number[]>
  call(name: OperationName, input: object): Promise<void>
}

const repository = await createEndlessRepository()
const servers: TestPreamp[] = []
try {
  const small = await startServer(listedItems, rounds + listedItems)
  const large = await startServer(size.apps, size.jobs)
  for (let round = 0; round < rounds; round++) {
    for (const server of round % 2 === 0 ? [small, large] : [large, small]) await callAll(server, round)
  }
  console.log(
    `${'median, ms'.padEnd(14)}${'small'.padStart(8)}${'large'.padStart(8)}   (${rounds} rounds; ${size.apps} apps, ${size.jobs} jobs; claim: a ratio of at most 1.5)`,
  )
  for (const [name, times] of small.milliseconds) {
    const [few, many] = [median(times), median(large.milliseconds.get(name)!)]
    console.log(
      `${name.padEnd(14)}${few.toFixed(2).padStart(8)}${many.toFixed(2).padStart(8)}   ratio ${(many / few).toFixed(2)}`,
    )
  }
} finally {
  for (const server of servers) await server.stop()
  repository.remove()
}

async function startServer(apps: number, jobs: number): Promise<Measured> {
  const preamp = await startPreamp({ environment: { PREAMP_CONCURRENT_JOBS: '1' } })
  servers.push(preamp)
  await occupyWorker(preamp.client, repository)
  const branch = await createSeededBranch(preamp, apps, jobs)
  const sign = amplifySigner(preamp.apiUrl, preamp.credentials)
  const milliseconds = new Map<OperationName, number[]>()
  return {
    preamp,
    branch,
    jobs,
    milliseconds,
    async call(name, input) {
      const { method, target, headers, body } = await sign(name, input)
      const request = new Request(preamp.apiUrl + target, { method, headers, ...(body !== '' && { body }) })
      const times = milliseconds.get(name) ?? []
      milliseconds.set(name, times)
      times.push(
        await timed(async () => {
          const response = await fetch(request)
          const text = await response.text()
          if (!response.ok) throw new Error(`${name} was answered ${response.status}: ${text}`)
        }),
      )
    },
  }
}

/** The branch in the middle of the apps. */
async function createSeededBranch(preamp: TestPreamp, apps: number, jobs: number): Promise<BranchAddress> {
  const { app } = await preamp.client.send(
    new CreateAppCommand({ name: 'measured', repository: repository.url }),
  )
  const branch = { appId: app!.appId!, branchName: 'main' }
  await preamp.client.send(new CreateBranchCommand(branch))
  const database = await openDatabase(`sqlite:${dataDirectoryAt(preamp.dataDir).database}`)
  try {
    await insertManyApps(database, apps - 1)
    await insertManyJobs(
      database,
      (await findBranch(database.queries, branch.appId, branch.branchName))!,
      jobs,
    )
  } finally {
    await database.close()
  }
  return branch
}

async function callAll({ preamp, branch, jobs, call }: Measured, round: number): Promise<void> {
  // A job that exists, and one that is deleted in this round: from where most jobs lie.
  const [found, deleted] = [
    jobs - 1,
    Math.floor((jobs - listedItems) / 2) - Math.floor(rounds / 2) + round + 1,
  ]
  await call('GetJob', { ...branch, jobId: String(found) })
  await call('ListJobs', { ...branch, maxResults: listedItems })
  await call('StartJob', { ...branch, jobType: 'RELEASE' })
  await preamp.client.send(new StopJobCommand({ ...branch, jobId: String(jobs + round + 1) }))
  await call('DeleteJob', { ...branch, jobId: String(deleted) })
  await call('ListApps', { maxResults: listedItems })
  await call('GetApp', { appId: branch.appId })
  await call('GetBranch', branch)
  await call('ListBranches', { appId: branch.appId })
}
