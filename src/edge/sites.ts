import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import { type NamedHost, parseSiteHost } from '../model/site-address.ts'
import type { Database } from '../store/database.ts'
import { findDeployment, findSiteOfBranch, type SiteRow } from '../store/deployments.ts'
import type { DeploymentRow } from '../store/schema.ts'
import { compileSite, showing, siteKey } from './compile-site.ts'
import { findEarlierDeployments, noneEarlier } from './earlier-deployments.ts'
import { findSiteRow, readDeployment } from './find-site.ts'
import type { Deployment, Site, SiteAnswer } from './site.ts'

export interface Sites {
  /** The answer itself where it is known, so that a request that needs no SQL waits for nothing. */
  find(host: string | null): SiteAnswer | Promise<SiteAnswer>
  /**
   * The same host with the files of another deployment, one of its `skewProtected`; the site itself where that one is gone in
   * the meantime.
   */
  showing(site: Site, deploymentId: string): Site | Promise<Site>
  /** From its return on, every new request sees what the database holds. */
  refresh(): void
  /** Drops the hosts that nobody has asked for since it was called before. */
  forgetUnasked(): void
}

interface Entry {
  answer: SiteAnswer
  /** What the answer was made from; empty for none. */
  key: string
  /** The refresh after which it was read; none where its time is over. */
  generation: number
  /** Whether somebody has asked for it since the last look at that. */
  asked: boolean
  /** When what it shows of earlier deployments changes: epoch milliseconds, or Infinity. */
  until: number
}

type ReadSite = Pick<Entry, 'answer' | 'key' | 'until'>

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
  /** How long assets of a deployment are served after another one took its place. */
  replacedMilliseconds: number
  now(): number
  log: Logger
}): Sites {
  const { database, blobs, siteSuffix, replacedMilliseconds, now, log } = options
  /** What Hosts mean, as they were sent. A host has many spellings: they share one entry, whose key is its name. */
  const addresses = new Map<string, NamedHost>()
  const entries = new Map<string, Entry>()
  const nobodys = new Map<string, Entry>()
  const loading = new Map<string, Promise<SiteAnswer>>()
  /** By their ids, shared by the hosts that show them. */
  const deployments = new Map<string, Deployment>()
  /** What sites show of other deployments, by their ids. */
  const variants = new WeakMap<Site, Map<string, Site | Promise<Site>>>()
  let deployedFiles = 0
  let generation = 0
  let expiry: { at: number; timer: NodeJS.Timeout } | undefined

  function find(sentHost: string | null): SiteAnswer | Promise<SiteAnswer> {
    if (sentHost === null) return 'invalid'
    const address = addresses.get(sentHost) ?? readHost(sentHost)
    if (typeof address === 'string') return address
    const entry = entries.get(address.name) ?? nobodys.get(address.name)
    if (entry?.generation !== generation) return loadOnce(address)
    entry.asked = true
    return entry.answer
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
      let read: ReadSite
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
      remember(host, { ...read, generation, asked: true })
      return read.answer
    }
  }

  /** What was decided for a site stays true as long as it is the same object. */
  async function readSite(address: NamedHost): Promise<ReadSite> {
    const found = await findSiteRow(database.queries, address)
    if (!found) return { answer: 'unknown', key: '', until: Infinity }
    const { row, isPermanent } = found
    const earlier = isPermanent ? noneEarlier : await findEarlier(row)
    const { skewProtected, until } = earlier
    const ids = earlier.replaced.map(({ deploymentId }) => deploymentId)
    const key = siteKey(row, [ids, skewProtected && [...skewProtected]])
    const before = entries.get(address.name)
    if (before?.key === key) return { ...before, until }
    const deployment = row.deployment ? await loadDeployment(row.deployment) : null
    const replaced = (await Promise.all(earlier.replaced.map(readEarlier))).filter((one) => one !== undefined)
    return {
      answer: compileSite(row, deployment, options, { isPermanent, replaced, skewProtected }),
      key,
      until,
    }
  }

  function findEarlier({ branch }: SiteRow) {
    return findEarlierDeployments(database.queries, branch, { now: now(), replacedMilliseconds })
  }

  async function readEarlier(row: DeploymentRow): Promise<Deployment | undefined> {
    try {
      return await loadDeployment(row)
    } catch (error) {
      // What is live needs none of it.
      log.error({ err: error, deploymentId: row.deploymentId }, 'an earlier deployment cannot be read')
      return undefined
    }
  }

  function showingOther(site: Site, deploymentId: string): Site | Promise<Site> {
    const known = variants.get(site) ?? new Map<string, Site | Promise<Site>>()
    const variant = known.get(deploymentId)
    if (variant) return variant
    const read = readVariant(site, deploymentId).then(
      (shown) => {
        known.set(deploymentId, shown)
        return shown
      },
      (error: unknown) => {
        known.delete(deploymentId)
        log.error(
          { err: error, deploymentId },
          'an earlier deployment cannot be read; the live one is served',
        )
        return site
      },
    )
    known.set(deploymentId, read)
    variants.set(site, known)
    return read
  }

  async function readVariant(site: Site, deploymentId: string): Promise<Site> {
    const { queries } = database
    const row = await findSiteOfBranch(queries, site.appId, site.branchName)
    const other = row && (await findDeployment(queries, deploymentId))
    if (!other || other.branchId !== row.branch.branchId) return site
    const deployment = await readEarlier(other)
    return deployment ? showing(site, row, deployment, options) : site
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
        if (shownBy(answer).includes(old)) entries.delete(host)
      }
    }
  }

  function remember(host: string, entry: Entry): void {
    entries.delete(host)
    nobodys.delete(host)
    const kept = typeof entry.answer === 'object' && entry.answer.deployment !== null ? entries : nobodys
    kept.set(host, entry)
    if (entry.until !== Infinity) expireAt(entry.until)
    if (kept.size > limits.edgeHostsMax) kept.delete(kept.keys().next().value!)
  }

  /** Every deployment that a host keeps in memory. */
  function shownBy(answer: SiteAnswer): Deployment[] {
    if (typeof answer === 'string') return []
    const kept = [...answer.replaced]
    for (const site of [answer, ...(variants.get(answer)?.values() ?? [])]) {
      if (!(site instanceof Promise) && site.deployment) kept.push(site.deployment)
    }
    return kept
  }

  /** One timer for all hosts, as few have anything that ends. */
  function expireAt(time: number): void {
    if (expiry && expiry.at <= time) return
    clearTimeout(expiry?.timer)
    const timer = setTimeout(expire, Math.max(time - now(), 0) + 1)
    timer.unref()
    expiry = { at: time, timer }
  }

  /** Whose time is over is read again when it is next asked for. */
  function expire(): void {
    expiry = undefined
    let next = Infinity
    for (const entry of entries.values()) {
      if (entry.until <= now()) {
        entry.generation = -1
        entry.until = Infinity
      }
      next = Math.min(next, entry.until)
    }
    if (next !== Infinity) expireAt(next)
  }

  function refresh(): void {
    generation += 1
    nobodys.clear()
    forgetReplaced()
  }

  /** What is served of an app that is gone, or of a branch that nobody visits any more, is freed. */
  function forgetUnasked(): void {
    for (const [host, entry] of entries) {
      if (!entry.asked) entries.delete(host)
      entry.asked = false
    }
    forgetReplaced()
  }

  /** Deployments that no host showed at the last look are not kept in memory. */
  function forgetReplaced(): void {
    const shown = new Set<Deployment>()
    for (const { answer } of entries.values()) {
      for (const deployment of shownBy(answer)) shown.add(deployment)
    }
    for (const deployment of deployments.values()) {
      if (shown.has(deployment)) continue
      deployments.delete(deployment.deploymentId)
      deployedFiles -= deployment.files.size
    }
  }

  return { find, showing: showingOther, refresh, forgetUnasked }
}

function isHost(text: string): boolean {
  const match = text.length <= hostCharactersMax ? hostPattern.exec(text) : null
  return match !== null && Number(match[1] ?? 0) <= 65_535
}
