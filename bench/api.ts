import type { OperationName } from '../src/api/operation.ts'
import { routes } from '../src/api/routes.ts'
import { dataDirectoryAt } from '../src/data-directory.ts'
import { newId } from '../src/model/ids.ts'
import { insertArtifact } from '../src/store/artifacts.ts'
import { findBranch } from '../src/store/branches.ts'
import { openDatabase } from '../src/store/database.ts'
import { findJob } from '../src/store/jobs.ts'
/**
 * All 37 operations over HTTP, by one client and by 16, each on a connection that is kept and with requests signed ahead by
 * AWS's client, against the operation of the same kind of a moto server in the same run. The claim in
 * docs/performance.md: at least 10 times moto's rate. `--rounds` and `--requests` change how long it takes.
 */
import { startPreamp } from '../test/support/preamp.ts'
import { createEndlessRepository, occupyWorker } from './support/jobs.ts'
import { median, option } from './support/measure.ts'
import { type Kind, kinds, startMoto } from './support/moto.ts'
import { operationInputs, type World } from './support/operation-inputs.ts'
import { sendRequests } from './support/send-requests.ts'
import { amplifySigner, type SignedRequest } from './support/signed-requests.ts'

const rounds = option('--rounds', 3)
const requests = option('--requests', 200)
const clientCounts = [1, 16]

const repository = await createEndlessRepository()
const preamp = await startPreamp({
  environment: { PREAMP_CONCURRENT_JOBS: '1', ...unboundedQuotas() },
})
const database = await openDatabase(`sqlite:${dataDirectoryAt(preamp.dataDir).database}`)
const moto = await startMoto()
if (!moto) console.log('moto_server is not installed (pip install "moto[server]"): rates without a ratio')
const sign = amplifySigner(preamp.apiUrl, preamp.credentials)
const world: World = {
  client: preamp.client,
  repository: repository.url,
  insertArtifact: async ({ appId, branchName }, jobId) => {
    const branch = await findBranch(database.queries, appId, branchName)
    const { jobKey } = (await findJob(database.queries, branch!.branchId, Number(jobId)))!
    const artifactId = newId()
    await insertArtifact(database.queries, {
      artifactId,
      jobKey,
      kind: 'test',
      fileName: `TEST/${artifactId}.txt`,
      sha: '0'.repeat(64),
      bytes: 1,
      createdAt: Date.now(),
    })
    return artifactId
  },
}
try {
  await occupyWorker(preamp.client, repository)
  const theirs = new Map<string, number>()
  for (const kind of moto ? kinds : []) {
    for (const clients of clientCounts) theirs.set(`${kind} ${clients}`, await rateOfMoto(kind, clients))
  }
  console.log(`requests a second, medians of ${rounds} rounds of ${requests}; how many times moto's\n`)
  console.log(
    `${'operation'.padEnd(26)}${clientCounts.map((count) => `${count} client${count > 1 ? 's' : ''}`.padStart(22)).join('')}`,
  )
  for (const name of Object.keys(routes) as OperationName[]) {
    const { kind } = operationInputs[name]
    const columns: string[] = []
    for (const clients of clientCounts) {
      const ours = await rateOf(name, clients)
      const their = theirs.get(`${kind} ${clients}`)
      const ratio = their === undefined ? '' : `${(ours / their).toFixed(1)} ×`
      columns.push(`${ours.toFixed(0)} ${ratio.padStart(10)}`.padStart(22))
    }
    console.log(`${name.padEnd(26)}${columns.join('')}   (${kind})`)
  }
  for (const kind of moto ? kinds : []) {
    const rates = clientCounts.map((clients) =>
      theirs.get(`${kind} ${clients}`)!.toFixed(0).padStart(11).padEnd(22),
    )
    console.log(`${`moto: ${kind}`.padEnd(26)}${rates.join('')}`)
  }
} finally {
  await moto?.stop()
  await database.close()
  await preamp.stop()
  repository.remove()
}

async function rateOfMoto(kind: Kind, clients: number): Promise<number> {
  const rates: number[] = []
  for (let round = 0; round < rounds; round++)
    rates.push(await rate(`moto's ${kind}`, moto!.endpoint, clients, await moto!.requests(kind, requests)))
  return median(rates)
}

async function rateOf(name: OperationName, clients: number): Promise<number> {
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    const inputs: object[] = await operationInputs[name].inputs(world, requests)
    const signed: SignedRequest[] = []
    for (const input of inputs) signed.push(await sign(name, input))
    rates.push(await rate(name, preamp.apiUrl, clients, signed))
  }
  return median(rates)
}

/** @param signed one for each call, or a single one for all of them */
async function rate(
  what: string,
  endpoint: string,
  clients: number,
  signed: SignedRequest[],
): Promise<number> {
  const each = signed.length === 1 ? Array.from({ length: requests }, () => signed[0]!) : signed
  const { requestsPerSecond, statuses, refusal } = await sendRequests({ endpoint, clients, requests: each })
  if (refusal !== undefined) throw new Error(`${what} was answered ${JSON.stringify(statuses)}: ${refusal}`)
  return requestsPerSecond
}

/** A benchmark makes more of everything than people do. */
function unboundedQuotas(): Record<string, string> {
  const counted = [
    'APPS',
    'APP_CREATIONS_PER_HOUR',
    'BRANCHES_PER_APP',
    'DOMAINS_PER_APP',
    'WEBHOOKS_PER_APP',
  ]
  return Object.fromEntries(counted.map((what) => [`PREAMP_QUOTA_${what}`, '1000000']))
}
