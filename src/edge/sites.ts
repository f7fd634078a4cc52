import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import { type NamedHost, parseSiteHost } from '../model/site-address.ts'
import type { Database } from '../store/database.ts'
import type { DeploymentRow } from '../store/schema.ts'
import { compileSite, siteKey } from './compile-site.ts'
import { findSiteRow, readDeployment } from './find-site.ts'
import type { Deployment, SiteAnswer } from './site.ts'

export interface Sites {
  /** The answer itself where it is known, so that a request that needs no SQL waits for nothing. */
  find(host: string | null): SiteAnswer | Promise<SiteAnswer>
  /** From its return on, every new request sees what the database holds. */
  refresh(): void
}

interface Entry {
  answer: SiteAnswer
  /** What the answer was made from; empty for none. */
  key: string
  /** The refresh after which it was read. */
  generation: number
}

// RFC 9110 §7.2, without user names; Bun joins two Host headers with a comma.
const hostPattern = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{0,5}))?$/i
const hostCharactersMax = 260

/**
 * Sites by host, compiled when they are first asked for and looked at again after each refresh. Both what is kept and what
 * is remembered as unknown is bounded, so that a flood of made-up hosts costs neither memory nor the sites of others.
 */
export function createSites(options: {
  database: Database
  blobs: Blobs
  siteSuffix: string
  /** Whether rules may fetch from `http://` addresses. */
  plainProxies: boolean
  log: Logger
}): Sites {
  const { database, blobs, siteSuffix, log } = options
  /** What Hosts mean, as they were sent. A host has many spellings: they share one entry, whose key is its name. */
  const addresses = new Map<string, NamedHost>()
  const entries = new Map<string, Entry>()
  const nobodys = new Map<string, Entry>()
  const loading = new Map<string, Promise<SiteAnswer>>()
  /** By their ids, shared by the hosts that show them. */
  const deployments = new Map<string, Deployment>()
  let deployedFiles = 0
  let generation = 0

  function find(sentHost: string | null): SiteAnswer | Promise<SiteAnswer> {
    if (sentHost === null) return 'invalid'
    const address = addresses.get(sentHost) ?? readHost(sentHost)
    if (typeof address === 'string') return address
    const entry = entries.get(address.name) ?? nobodys.get(address.name)
    return entry?.generation === generation ? entry.answer : loadOnce(address)
  }

  function readHost(sentHost: string): NamedHost | 'invalid' | 'unknown' {
    if (!isHost(sentHost)) return 'invalid'
    const address = parseSiteHost(sentHost, siteSuffix)
    if (!address) return 'unknown'
    // Cheap to find again: whoever makes up spellings costs others no more than that.
    if (addresses.size >= limits.edgeHostsMax) addresses.clear()
    addresses.set(sentHost, address)
    return address
  }

  /** One look at the database for all requests that wait for the same host. */
  function loadOnce(address: NamedHost): Promise<SiteAnswer> {
    const underWay = loading.get(address.name)
    if (underWay) return underWay
    const load = loadLatest(address).finally(() => loading.delete(address.name))
    loading.set(address.name, load)
    return load
  }

  async function loadLatest(address: NamedHost): Promise<SiteAnswer> {
    const host = address.name
    for (;;) {
      const readAfter = generation
      let read: Pick<Entry, 'answer' | 'key'>
      try {
        read = await readSite(address)
      } catch (error) {
        const before = entries.get(host)
        if (!before) throw error
        // The next request asks again; until then visitors see what they saw.
        log.error({ err: error, host }, 'a site could not be read again; its last known state is served')
        return before.answer
      }
      // A refresh came in between: what was read may be older than what that refresh promised.
      if (readAfter !== generation) continue
      remember(host, { ...read, generation })
      return read.answer
    }
  }

  /** What was decided for a site stays true as long as it is the same object. */
  async function readSite(address: NamedHost): Promise<Pick<Entry, 'answer' | 'key'>> {
    const row = await findSiteRow(database.queries, address)
    if (!row) return { answer: 'unknown', key: '' }
    const key = siteKey(row)
    const before = entries.get(address.name)
    if (before?.key === key) return before
    const deployment = row.deployment ? await loadDeployment(row.deployment) : null
    return { answer: compileSite(row, deployment, options), key }
  }

  async function loadDeployment(row: DeploymentRow): Promise<Deployment> {
    const known = deployments.get(row.deploymentId)
    if (known) return known
    const deployment = await readDeployment(blobs, row)
    keep(deployment)
    return deployment
  }

  function keep(deployment: Deployment): void {
    if (deployments.has(deployment.deploymentId)) return
    deployments.set(deployment.deploymentId, deployment)
    deployedFiles += deployment.files.size
    if (deployedFiles <= limits.edgeManifestFilesMax) return
    // The oldest go, with the hosts that show them; a site that is asked for again is read again.
    for (const old of deployments.values()) {
      if (deployedFiles <= limits.edgeManifestFilesMax || old === deployment) break
      deployments.delete(old.deploymentId)
      deployedFiles -= old.files.size
      for (const [host, { answer }] of entries) {
        if (typeof answer === 'object' && answer.deployment === old) entries.delete(host)
      }
    }
  }

  function remember(host: string, entry: Entry): void {
    entries.delete(host)
    nobodys.delete(host)
    const kept = typeof entry.answer === 'object' && entry.answer.deployment !== null ? entries : nobodys
    kept.set(host, entry)
    if (kept.size > limits.edgeHostsMax) kept.delete(kept.keys().next().value!)
  }

  function refresh(): void {
    generation += 1
    nobodys.clear()
    forgetReplaced()
  }

  /** Deployments that no host showed at the last look are not kept in memory. */
  function forgetReplaced(): void {
    const shown = new Set<Deployment>()
    for (const { answer } of entries.values()) {
      if (typeof answer === 'object' && answer.deployment) shown.add(answer.deployment)
    }
    for (const deployment of deployments.values()) {
      if (shown.has(deployment)) continue
      deployments.delete(deployment.deploymentId)
      deployedFiles -= deployment.files.size
    }
  }

  return { find, refresh }
}

function isHost(text: string): boolean {
  const match = text.length <= hostCharactersMax ? hostPattern.exec(text) : null
  return match !== null && Number(match[1] ?? 0) <= 65_535
}
