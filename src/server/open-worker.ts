import { randomUUID } from 'node:crypto'
import { statfsSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'

import type { Caches } from '../build/caches/caches.ts'
import type { Worker } from '../build/worker.ts'
import type { Config } from '../config.ts'
import { configuredQuotas } from '../config/configured-quotas.ts'
import { areFileRepositoriesAllowed, arePrivateSourcesAllowed } from '../config/loopback-defaults.ts'
import type { EdgeSupervisor } from '../edge/supervisor.ts'
import type { LatePart } from '../late-part.ts'
import type { ComputeSize } from '../model/compute-types.ts'
import type { SiteAddresses } from '../model/site-address.ts'
import { dialable } from './addresses.ts'
import { buildShortage } from './build-shortage.ts'
import { openExecutor } from './open-executor.ts'
import { openToolchains } from './open-toolchains.ts'
import type { State } from './state.ts'

/** A worker that has begun to claim jobs. What it is made of is loaded here: the API can answer without it. */
export async function openWorker(
  parts: State & { edges: LatePart<EdgeSupervisor>; sites: SiteAddresses; caches: LatePart<Caches> },
): Promise<Worker> {
  const { config, directory, edges, sites, ...others } = parts
  const state = { ...others, caches: await parts.caches.get() }
  const executor = await openExecutor({ config, directory, log: state.log })
  const toolchains = await openToolchains({ config, directory, log: state.log }, executor)
  const { createRunner } = await import('../build/runner.ts')
  const { createWorker } = await import('../build/worker.ts')
  const { sessionLimitsOf } = await import('../build/session-limits.ts')
  const { passedOnVariables } = await import('../build/environment.ts')
  const { readS3Settings } = await import('../deploy/s3-source.ts')
  const workRoot = directory.work
  const runJob = createRunner({
    ...state,
    executor,
    toolchains,
    workRoot,
    serverVariables: passedOnVariables(process.env, config.buildEnv),
    sessionLimits: sessionLimitsOf(
      {
        STANDARD_8GB: config.computeStandard,
        LARGE_16GB: config.computeLarge,
        XLARGE_72GB: config.computeXLarge,
      },
      machineSize(config, workRoot),
      config.buildProcessesMax,
    ),
    localRepositories: {
      allowed: areFileRepositoriesAllowed(config),
      dataFolder: directory.path,
      examplesFolder: directory.examples,
    },
    privateSources: arePrivateSourcesAllowed(config),
    s3: readS3Settings(process.env),
    plainProxies: config.proxyHttp,
    defaultDomain: (appId) => sites.defaultDomain(appId),
    sitesChanged: async () => (await edges.get()).sitesChanged(),
    visit: async (appId, displayName, signal) => {
      const { port } = await edges.get()
      const secure = config.tlsCertFile !== undefined
      const address = `${dialable(config.host)}:${secure ? config.sitesTlsPort : port}`
      const response = await fetch(`${secure ? 'https' : 'http'}://${address}/`, {
        headers: { host: sites.siteHost(appId, displayName) },
        redirect: 'manual',
        signal,
        // It is ourselves that are asked, whatever the name that the certificate is for.
        tls: { rejectUnauthorized: false },
      })
      await response.body?.cancel()
      return { status: response.status }
    },
    now: Date.now,
  })
  const worker = createWorker({
    ...state,
    runJob,
    executor,
    workRoot,
    owner: randomUUID(),
    concurrency: config.concurrentJobs,
    accountJobsMax: configuredQuotas(config).concurrentJobsMax,
    shortage: () => buildShortage({ config, directory }),
    now: Date.now,
  })
  worker.start()
  return worker
}

/** What there is for builds. The memory of a container that holds the server is that of its machine, where it has a limit. */
function machineSize({ buildMemoryMiB = Infinity }: Config, workRoot: string): ComputeSize {
  const { blocks, bsize } = statfsSync(workRoot)
  return {
    cpus: availableParallelism(),
    memoryBytes: Math.min(buildMemoryMiB * 1024 ** 2, totalmem(), process.constrainedMemory() || Infinity),
    diskBytes: blocks * bsize,
  }
}
