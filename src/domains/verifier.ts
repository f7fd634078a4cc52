import type { Logger } from 'pino'

import { limits } from '../model/limits.ts'
import { oneAtATime } from '../model/one-at-a-time.ts'
import { type Database, isUniqueViolation } from '../store/database.ts'
import {
  claimDueDomain,
  type ClaimedDomain,
  findDomainOwner,
  settleDomain,
} from '../store/domain-associations.ts'
import { listDomainHosts, listTakenHosts, ownHosts, setVerifiedHosts } from '../store/domain-hosts.ts'
import type { DomainHostRow } from '../store/schema.ts'
import type { CheckRecords } from './check-records.ts'
import { type Outcome, settledBy } from './settle.ts'

export interface DomainVerifier {
  start(): void
  /** A domain is to be looked at now. */
  wake(): void
  /** Ends the looks at hand: they are due again at once, for the next server. */
  stop(): Promise<void>
}

export interface VerifierOptions {
  database: Database
  check: CheckRecords
  /** How long the ownership record is waited for. */
  hoursMax: number
  /** Resolves when every edge shows what the database holds. */
  sitesChanged(): Promise<void>
  /** Epoch milliseconds. */
  now(): number
  log: Logger
  /** How often due domains are looked for without being told; shorter in tests only. */
  pollMilliseconds?: number
}

const pollMillisecondsDefault = 1000

/**
 * Looks at the DNS of the domains that are due, and keeps what it saw. Several servers may do so at once: a domain is
 * claimed by one statement, until a lease ends.
 */
export function createDomainVerifier(options: VerifierOptions): DomainVerifier {
  const { database, check, now, log } = options
  const running = new Set<{ accountId: string; done: Promise<void> }>()
  const stopping = new AbortController()
  let timer: ReturnType<typeof setInterval> | undefined
  const claims = oneAtATime(claimDue, () => timer !== undefined && !stopping.signal.aborted)

  async function claimDue(): Promise<void> {
    try {
      while (running.size < limits.domainLooksAtOnceMax && !stopping.signal.aborted) {
        const claim = await claimDueDomain(database, {
          now: now(),
          leaseExpiresAt: now() + limits.domainLeaseSeconds * 1000,
          exceptAccounts: busyAccounts(),
        })
        if (!claim) return
        follow(claim)
      }
    } catch (error) {
      // A database that cannot be reached: the next look comes soon.
      log.error({ err: error }, 'the domains whose records are due cannot be found')
    }
  }

  /** Accounts that leave the other places to others: their domains may be many, and their DNS slow. */
  function busyAccounts(): string[] {
    const looks = Map.groupBy(running, ({ accountId }) => accountId)
    return [...looks].flatMap(([accountId, { length }]) =>
      length >= limits.domainLooksOfAccountMax ? [accountId] : [],
    )
  }

  /** Looks, and keeps that in mind until it ends, when there is room for another. */
  function follow(claim: ClaimedDomain): void {
    const done = lookAt(claim)
      // Its lease ends by itself: the domain is due again then.
      .catch((error: unknown) => log.error({ err: error }, 'a look at the records of a domain failed'))
      .finally(() => {
        running.delete(look)
        claims.ask()
      })
    const look = { accountId: claim.scope.accountId, done }
    running.add(look)
  }

  async function lookAt(claim: ClaimedDomain): Promise<void> {
    const { domain, scope } = claim
    const hosts = (await listDomainHosts(database.queries, [domain.domainId]))(domain.domainId)
    const deadline = AbortSignal.timeout(limits.dnsLookSecondsMax * 1000)
    const checks = await check(scope, domain, hosts, AbortSignal.any([deadline, stopping.signal]))
    if (stopping.signal.aborted) {
      await database.transaction((transaction) => settleDomain(transaction, domain, { nextCheckAt: now() }))
      return
    }
    const verified = hosts.filter((host) => host.verified).map(({ prefix }) => prefix)
    const settle = async () => {
      const taken = domain.ownedAt === null && (await isTaken(claim, hosts))
      const outcome = settledBy(domain, { checks, taken, verified, now: now() }, options.hoursMax)
      if ((await keep(claim, outcome)) && outcome.becomesOwned) await options.sitesChanged()
    }
    await settle().catch((error: unknown) => {
      if (!isUniqueViolation(error)) throw error
      // Another association became the owner in between: now it is seen.
      return settle()
    })
  }

  async function isTaken({ domain, scope }: ClaimedDomain, hosts: DomainHostRow[]): Promise<boolean> {
    const { domainId, domainName } = domain
    if (await findDomainOwner(database.queries, domainName)) return true
    const names = hosts.map(({ host }) => host)
    return (
      (await listTakenHosts(database.queries, { domainId, accountId: scope.accountId }, names)).length > 0
    )
  }

  /** False when the association is not any more what was looked at. */
  function keep(
    { domain }: ClaimedDomain,
    { change, verifiedPrefixes, becomesOwned }: Outcome,
  ): Promise<boolean> {
    return database.transaction(async (transaction) => {
      if (!(await settleDomain(transaction, domain, change))) return false
      await setVerifiedHosts(transaction, domain.domainId, verifiedPrefixes)
      if (becomesOwned) await ownHosts(transaction, domain.domainId)
      return true
    })
  }

  return {
    start() {
      timer = setInterval(claims.ask, options.pollMilliseconds ?? pollMillisecondsDefault)
      claims.ask()
    },
    wake: claims.ask,
    async stop() {
      stopping.abort()
      clearInterval(timer)
      await claims.current
      await Promise.all(Array.from(running, ({ done }) => done))
    },
  }
}
