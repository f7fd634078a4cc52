import { rmSync } from 'node:fs'

import type { Logger } from 'pino'

import { openDiskBlobs } from './blobs/disk.ts'
import type { Config } from './config.ts'
import { openConfiguredDatabase } from './configured-database.ts'
import {
  createDataDirectory,
  type DataDirectory,
  lockDataDirectory,
  readMasterKey,
  writePrivateFile,
} from './data-directory.ts'
import { ensureFirstKey } from './first-key.ts'
import { LatePart } from './late-part.ts'
import { domainRecords } from './model/domain-records.ts'
import { type SiteAddresses, siteAddresses } from './model/site-address.ts'
import { defaultSitesUrl, dialable } from './server/addresses.ts'
import { createApi } from './server/create-api.ts'
import { createSender } from './server/create-sender.ts'
import { createVerifier } from './server/create-verifier.ts'
import { listenApi } from './server/listen-api.ts'
import { openDiskCaches } from './server/open-caches.ts'
import { openEdges } from './server/open-edges.ts'
import { openWorker } from './server/open-worker.ts'
import { basicAuthOf } from './server/site-credentials.ts'
import { fillBasicAuth } from './store/fill-basic-auth.ts'
import { SecretBox } from './store/secret-box.ts'
import { sweepRegularly } from './sweeps.ts'

export interface RunningServer {
  /** Addresses as clients and visitors on this machine use them, without a slash at their end. */
  apiUrl: string
  sitesUrl: string
  sites: SiteAddresses
  directory: DataDirectory
  /** Stops taking requests, ends the builds at work (they are requeued or failed with a reason) and frees the directory. */
  stop(): Promise<void>
  /** Ends the processes that serve sites on the spot, for a process that is about to exit without waiting for `stop`. */
  kill(): void
}

/**
 * Has everything built and hands it to each other; the only place that does. The API listens as soon as it can answer, and
 * the edges and the worker, whose modules and processes take longer, start behind it: the calls that need them wait.
 * Whatever was started when a later part cannot start is stopped again, in the reverse order.
 * @returns when all of it is at work
 * @throws {UsageError} when the configuration or the machine does not allow it
 */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  const started: (() => unknown)[] = []
  const stop = async () => {
    for (const end of started.toReversed()) await end()
  }
  try {
    const directory = createDataDirectory(config.dataDir)
    started.push(lockDataDirectory(directory.path))
    const secrets = new SecretBox(readMasterKey(config.masterKeyFile ?? directory.masterKey))
    const database = await openConfiguredDatabase(config, directory)
    started.push(() => database.close())
    await ensureFirstKey(database, secrets, directory, config)
    // Before an edge asks for it.
    await fillBasicAuth(database, (sealed) => basicAuthOf(sealed, secrets, log))
    const blobs = await openDiskBlobs(directory.blobs)

    const state = { config, directory, database, blobs, secrets, log }
    const edges = new LatePart(
      () => openEdges(state),
      (part) => part.stop(),
    )
    started.push(() => edges.close())
    // Where any free port will do for the sites, their addresses are not known before an edge has taken one.
    const sitesUrl = config.sitesUrl ?? defaultSitesUrl(config.sitesPort || (await edges.get()).port)
    const sites = siteAddresses(sitesUrl)
    const caches = new LatePart(
      () => openDiskCaches(state),
      () => Promise.resolve(),
    )
    const worker = new LatePart(
      () => openWorker({ ...state, edges, sites, caches }),
      (part) => part.stop(),
    )
    started.push(() => worker.close())

    const records = domainRecords(secrets.deriveKey('domain-records'), new URL(sitesUrl).hostname)
    const verifier = createVerifier({ ...state, edges, records })
    verifier.start()
    started.push(() => verifier.stop())

    const sender = createSender({ ...state, sites, sitesUrl })
    sender.start()
    started.push(() => sender.stop())

    const parts = { ...state, edges, sites, worker, records, verifier, sender }
    const api = await listenApi(config, createApi(parts), log)
    started.push(() => api.stop())
    const [{ kill }] = await Promise.all([edges.get(), worker.get()])
    started.push(sweepRegularly({ ...state, caches }))
    const apiUrl = config.apiUrl ?? `http://${dialable(config.host)}:${api.port}`
    writePrivateFile(directory.server, JSON.stringify({ pid: process.pid, apiUrl, sitesUrl }))
    started.push(() => rmSync(directory.server, { force: true }))
    return { apiUrl, sitesUrl, sites, directory, stop, kill }
  } catch (error) {
    await stop()
    throw error
  }
}
