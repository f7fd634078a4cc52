import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { readManifest } from '../deploy/read-manifest.ts'
import { limits } from '../model/limits.ts'
import type { ManifestFile } from '../model/manifest.ts'
import { type NamedHost, parseSiteHost } from '../model/site-address.ts'
import type { Database } from '../store/database.ts'
import { findSite } from '../store/deployments.ts'
import { findDomainSite } from '../store/domain-sites.ts'

/** What one host shows, ready to be served. It never changes: a deploy makes another. */
export interface Site {
  appId: string
  deploymentId: string
  /** By path in the site, as manifests name them. */
  files: Map<string, ManifestFile>
  /** When the deployment was made: epoch milliseconds, cut to the second, as HTTP dates are. */
  modifiedAt: number
  /** What `decide.ts` found for whole URLs. It stays true, since a site never changes. */
  decided: Map<string, FileDecision>
}

export interface FileDecision {
  kind: 'file'
  site: Site
  path: string
  file: ManifestFile
}

/** A host whose branch has not been deployed. */
export interface EmptySite {
  appId: string
  deploymentId: null
}

/** `unknown`: the host is nobody's. `invalid`: it is no Host at all. */
export type SiteAnswer = Site | EmptySite | 'unknown' | 'invalid'

export interface Sites {
  /** The answer itself where it is known, so that a request that needs no SQL waits for nothing. */
  find(host: string | null): SiteAnswer | Promise<SiteAnswer>
  /** From its return on, every new request sees what the database holds. */
  refresh(): void
}

interface Entry {
  answer: SiteAnswer
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
  log: Logger
}): Sites {
  const { database, blobs, siteSuffix, log } = options
  /** What Hosts mean, as they were sent. A host has many spellings: they share one entry, whose key is its name. */
  const addresses = new Map<string, NamedHost>()
  const entries = new Map<string, Entry>()
  const nobodys = new Map<string, Entry>()
  const loading = new Map<string, Promise<SiteAnswer>>()
  /** Compiled sites by deployment, shared by the hosts that show them. */
  const compiled = new Map<string, Site>()
  let compiledFiles = 0
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
      let answer: SiteAnswer
      try {
        answer = await read(address)
      } catch (error) {
        const before = entries.get(host)
        if (!before) throw error
        // The next request asks again; until then visitors see what they saw.
        log.error({ err: error, host }, 'a site could not be read again; its last known state is served')
        return before.answer
      }
      // A refresh came in between: what was read may be older than what that refresh promised.
      if (readAfter !== generation) continue
      remember(host, { answer, generation })
      return answer
    }
  }

  async function read(address: NamedHost): Promise<SiteAnswer> {
    const row =
      address.kind === 'branch'
        ? await findSite(database.queries, address.appId, address.displayName)
        : await findDomainSite(database.queries, address.name)
    if (!row) return 'unknown'
    if (!row.deployment) return { appId: row.app.appId, deploymentId: null }
    const { deploymentId, manifestSha, createdAt } = row.deployment
    const known = compiled.get(deploymentId)
    if (known) return known
    const manifest = await readManifest(blobs, manifestSha)
    const site: Site = {
      appId: row.app.appId,
      deploymentId,
      files: new Map(Object.entries(manifest.files)),
      modifiedAt: Math.floor(createdAt / 1000) * 1000,
      decided: new Map(),
    }
    keepCompiled(site)
    return site
  }

  function keepCompiled(site: Site): void {
    if (compiled.has(site.deploymentId)) return
    compiled.set(site.deploymentId, site)
    compiledFiles += site.files.size
    if (compiledFiles <= limits.edgeManifestFilesMax) return
    // The oldest go, with the hosts that show them; a site that is asked for again is compiled again.
    for (const [deploymentId, { files }] of compiled) {
      if (compiledFiles <= limits.edgeManifestFilesMax || deploymentId === site.deploymentId) break
      compiled.delete(deploymentId)
      compiledFiles -= files.size
      for (const [host, { answer }] of entries) {
        if (typeof answer === 'object' && answer.deploymentId === deploymentId) entries.delete(host)
      }
    }
  }

  function remember(host: string, entry: Entry): void {
    entries.delete(host)
    nobodys.delete(host)
    const kept = typeof entry.answer === 'object' && entry.answer.deploymentId !== null ? entries : nobodys
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
    const shown = new Set<SiteAnswer>()
    for (const { answer } of entries.values()) shown.add(answer)
    for (const [deploymentId, site] of compiled) {
      if (shown.has(site)) continue
      compiled.delete(deploymentId)
      compiledFiles -= site.files.size
    }
  }

  return { find, refresh }
}

function isHost(text: string): boolean {
  const match = text.length <= hostCharactersMax ? hostPattern.exec(text) : null
  return match !== null && Number(match[1] ?? 0) <= 65_535
}
