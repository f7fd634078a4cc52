import type { DomainCheck } from '../model/domains.ts'
import type { DomainChange } from '../store/domain-associations.ts'
import type { DomainAssociationRow } from '../store/schema.ts'
import { pauseAfter } from './schedule.ts'

export interface Outcome {
  change: DomainChange
  verifiedPrefixes: string[]
  /** The ownership record was seen for the first time: the domain's hosts are its own from now on. */
  becomesOwned: boolean
}

/** How many records a reason names; the rest is counted. */
const namedRecordsMax = 3

/** AWS's words (contract/api-behaviour.md §6), and ours. */
const takenReason =
  'One or more of the CNAMEs you provided are already associated with a different resource. Another app has proven to own the domain or one of its hosts first.'

/**
 * What a look means for a domain association. Statuses come in orders that every version of Terraform's provider takes
 * (contract/terraform-sequences.md): PENDING_VERIFICATION, once owned PENDING_DEPLOYMENT or AVAILABLE, and never back. A
 * domain that is owned does not fail any more: its hosts are served, and it is looked at until their records are there.
 * @param look.taken another association owns the domain or one of its hosts
 * @param look.verified prefixes of hosts that were seen before, for a DNS that does not answer
 * @param hoursMax how long to wait for the ownership record
 */
export function settledBy(
  domain: DomainAssociationRow,
  look: { checks: DomainCheck[]; taken: boolean; verified: string[]; now: number },
  hoursMax: number,
): Outcome {
  const { checks, taken, now } = look
  const isOwned = domain.ownedAt !== null
  const becomesOwned =
    !isOwned && !taken && checks.some(({ of, passed }) => of.kind === 'ownership' && passed)
  const verifiedPrefixes = checks.flatMap(({ of, passed, answered }) =>
    of.kind === 'sub-domain' && (passed || (!answered && look.verified.includes(of.prefix)))
      ? [of.prefix]
      : [],
  )
  const state =
    isOwned || becomesOwned
      ? ownedState(domain, checks, verifiedPrefixes, now)
      : waitingState(domain, { checks, taken, now }, hoursMax)
  return {
    change: { checks, checkedAt: now, ...state, ...(becomesOwned && { ownedAt: now }) },
    verifiedPrefixes,
    becomesOwned,
  }
}

function ownedState(
  domain: DomainAssociationRow,
  checks: DomainCheck[],
  verifiedPrefixes: string[],
  now: number,
): DomainChange {
  const missing = checks.filter(({ of }) => of.kind === 'sub-domain' && !verifiedPrefixes.includes(of.prefix))
  const wasUpdated = domain.updateStatus !== null
  if (missing.length === 0) {
    return {
      status: 'AVAILABLE',
      ...(wasUpdated && { updateStatus: 'UPDATE_COMPLETE' }),
      statusReason: null,
      nextCheckAt: null,
    }
  }
  return {
    status: 'PENDING_DEPLOYMENT',
    ...(wasUpdated && { updateStatus: 'AWAITING_APP_CNAME' }),
    statusReason: `Waiting for DNS records of ${domain.domainName}. ${described(missing)}`,
    nextCheckAt: now + pauseAfter(now - domain.checkingSince, missing.every(isAnswered)),
  }
}

function waitingState(
  domain: DomainAssociationRow,
  { checks, taken, now }: { checks: DomainCheck[]; taken: boolean; now: number },
  hoursMax: number,
): DomainChange {
  if (taken) return { status: 'FAILED', statusReason: takenReason, nextCheckAt: null }
  const endsAt = domain.checkingSince + hoursMax * 3600_000
  const ownershipChecks = checks.filter(({ of }) => of.kind === 'ownership')
  const ownership = described(ownershipChecks)
  if (now >= endsAt) {
    return { status: 'FAILED', statusReason: `${givenUp(domain, hoursMax)} ${ownership}`, nextCheckAt: null }
  }
  return {
    status: 'PENDING_VERIFICATION',
    statusReason: `Waiting for the DNS record that proves who owns ${domain.domainName}. ${ownership}`,
    nextCheckAt: Math.min(
      now + pauseAfter(now - domain.checkingSince, ownershipChecks.every(isAnswered)),
      endsAt,
    ),
  }
}

const isAnswered = ({ answered }: DomainCheck) => answered

const givenUp = ({ appId, domainName }: DomainAssociationRow, hours: number) =>
  `The DNS record that proves who owns ${domainName} was not seen within ${hours} hours. Set it and start again, with the same record: ` +
  `\`preamp domains check ${appId} ${domainName}\`, or UpdateDomainAssociation.`

function described(checks: DomainCheck[]): string {
  const named = checks
    .slice(0, namedRecordsMax)
    .map(({ expected, seen }) => `Expected: "${expected}"; seen: ${seen}.`)
  const more = checks.length - named.length
  return [...named, ...(more > 0 ? [`And ${more} more.`] : [])].join(' ')
}
