import type { Scope } from '../model/arn.ts'
import { canonicalName } from '../model/domain-names.ts'
import { type DomainRecords, ownershipRecordText, subDomainRecordText } from '../model/domain-records.ts'
import type { DomainCheck } from '../model/domains.ts'
import { limits } from '../model/limits.ts'
import type { DomainAssociationRow, DomainHostRow } from '../store/schema.ts'
import type { Dns, DnsAnswer } from './dns.ts'

/** Looks at the records of a domain: what each should be, and what is there. The ownership record comes first. */
export type CheckRecords = (
  scope: Scope,
  domain: DomainAssociationRow,
  hosts: DomainHostRow[],
  signal: AbortSignal,
) => Promise<DomainCheck[]>

export interface CheckOptions {
  dns: Dns
  records: DomainRecords
  /** Addresses of the sites as visitors reach them, besides those that the DNS names. */
  sitesAddresses: readonly string[]
}

/**
 * Asks the DNS: one question after the other, so that no look is a flood, and none any more once `signal` says so. A DNS that
 * is silent keeps nobody long: hosts are asked for once the ownership record is there, and until two questions got no answer.
 */
export function checkByDns(options: CheckOptions): CheckRecords {
  return async (scope, domain, hosts, signal) => {
    const ownership = await checkOwnership(options, scope, domain, signal)
    const target = options.records.target(domain.appId)
    const unasked = (seen: string) =>
      hosts.map(({ prefix }) => ({ ...expectedSubDomain(prefix, target), ...notSeen(seen, false) }))
    if (!ownership.answered) return [ownership, ...unasked(afterSilence)]
    if (!ownership.passed && domain.ownedAt === null) return [ownership, ...unasked(beforeOwnership)]
    const asking = { ...options, dns: untilSilent(options.dns) }
    const ownAddresses = await findOwnAddresses(asking, target, signal)
    const checks = [ownership]
    for (const host of hosts) checks.push(await checkHost(asking, host, { target, ownAddresses }, signal))
    return checks
  }
}

const afterSilence = 'not asked: the DNS did not answer the questions before'
const beforeOwnership = 'not looked at before the ownership record is there'

/** The same DNS for one look, which is asked nothing more once it left `dnsUnansweredMax` questions without an answer. */
function untilSilent(dns: Dns): Dns {
  let unanswered = 0
  const ask = async (question: () => Promise<DnsAnswer>): Promise<DnsAnswer> => {
    if (unanswered >= limits.dnsUnansweredMax) return { kind: 'unanswered', reason: afterSilence }
    const answer = await question()
    if (answer.kind === 'unanswered') unanswered++
    return answer
  }
  return {
    cname: (name, signal) => ask(() => dns.cname(name, signal)),
    addresses: (name, signal) => ask(() => dns.addresses(name, signal)),
  }
}

/** Takes every record as seen, for those who have no DNS (`PREAMP_DOMAIN_VERIFICATION=none`). */
export function checkNothing({ records }: Pick<CheckOptions, 'records'>): CheckRecords {
  const seen = 'not looked at: PREAMP_DOMAIN_VERIFICATION is none'
  return async (scope, domain, hosts) => [
    { ...expectedOwnership(records, scope, domain), seen, passed: true, answered: true },
    ...hosts.map(({ prefix }) => ({
      ...expectedSubDomain(prefix, records.target(domain.appId)),
      seen,
      passed: true,
      answered: true,
    })),
  ]
}

type Expected = Pick<DomainCheck, 'of' | 'expected'>
type Seen = Pick<DomainCheck, 'seen' | 'passed' | 'answered'>

const expectedOwnership = (
  records: DomainRecords,
  scope: Scope,
  { appId, domainName }: DomainAssociationRow,
): Expected => ({
  of: { kind: 'ownership' },
  expected: ownershipRecordText(records.ownership(scope, appId, domainName)),
})

const expectedSubDomain = (prefix: string, target: string): Expected => ({
  of: { kind: 'sub-domain', prefix },
  expected: subDomainRecordText(prefix, target),
})

/** The record itself, not where it leads: a wildcard of the domain may lead to what is another's. */
async function checkOwnership(
  { dns, records }: CheckOptions,
  scope: Scope,
  domain: DomainAssociationRow,
  signal: AbortSignal,
): Promise<DomainCheck> {
  const { name, value } = records.ownership(scope, domain.appId, domain.domainName)
  const answer = await dns.cname(name, signal)
  return { ...expectedOwnership(records, scope, domain), ...seenOwnership(answer, value) }
}

function seenOwnership(answer: DnsAnswer, value: string): Seen {
  if (answer.kind === 'unanswered') return notSeen(answer.reason, false)
  if (answer.kind === 'none') return notSeen('no such record')
  const passed = answer.values.some((seen) => canonicalName(seen) === value)
  return { seen: shown(`CNAME ${answer.values.join(', ')}`), passed, answered: true }
}

interface Expectation {
  target: string
  ownAddresses: ReadonlySet<string>
}

/**
 * A host leads to us by a chain of CNAME records to the target, or by addresses that all are ours: a domain itself can have
 * no CNAME record, and some providers answer with addresses in its place.
 */
async function checkHost(
  { dns, records }: CheckOptions,
  { host, prefix }: DomainHostRow,
  { target, ownAddresses }: Expectation,
  signal: AbortSignal,
): Promise<DomainCheck> {
  const expected = expectedSubDomain(prefix, target)
  const asked = host.startsWith('*') ? records.probe(host) : host
  const chain: string[] = []
  for (let name = asked; chain.length < limits.cnameChainMax;) {
    const answer = await dns.cname(name, signal)
    if (answer.kind === 'unanswered') return { ...expected, ...notSeen(answer.reason, false) }
    const next = answer.kind === 'found' ? canonicalName(answer.values[0]!) : undefined
    if (next === undefined || !isHostName(next) || chain.includes(next)) break
    chain.push(next)
    if (next === target) {
      return { ...expected, seen: shown(`CNAME ${chain.join(' → ')}`), passed: true, answered: true }
    }
    name = next
  }
  return { ...expected, ...seenAddresses(await dns.addresses(asked, signal), chain, ownAddresses) }
}

function seenAddresses(answer: DnsAnswer, chain: string[], ownAddresses: ReadonlySet<string>): Seen {
  const way = chain.length > 0 ? `CNAME ${chain.join(' → ')}` : ''
  if (answer.kind === 'unanswered') return notSeen(answer.reason, false)
  if (answer.kind === 'none') return notSeen(way ? `${way}, which has no address` : 'no such record')
  const addresses = answer.values.map(canonicalAddress)
  const passed = addresses.every((address) => ownAddresses.has(address))
  const text = `${way ? `${way}, ` : ''}${addresses.map((it) => `${recordType(it)} ${it}`).join(', ')}`
  return { seen: shown(text), passed, answered: true }
}

async function findOwnAddresses(
  { dns, sitesAddresses }: CheckOptions,
  target: string,
  signal: AbortSignal,
): Promise<Set<string>> {
  const answer = await dns.addresses(target, signal)
  const found = answer.kind === 'found' ? answer.values : []
  return new Set([...found, ...sitesAddresses].map(canonicalAddress))
}

const notSeen = (seen: string, answered = true): Seen => ({ seen: shown(seen), passed: false, answered })

const recordType = (address: string) => (address.includes(':') ? 'AAAA' : 'A')

/** What a resolver would take as a name: what the DNS answers may be anything. */
const isHostName = (name: string) => /^[a-z0-9._-]{1,253}$/.test(name)

function canonicalAddress(address: string): string {
  return address.includes(':') && URL.canParse(`http://[${address}]/`)
    ? new URL(`http://[${address}]/`).hostname.slice(1, -1)
    : address
}

/** What strangers put into their DNS is shown as plain, short text. */
function shown(text: string): string {
  const plain = text.replace(/[^\x20-\x7e→]/g, '?')
  return plain.length > limits.dnsSeenCharactersMax
    ? `${plain.slice(0, limits.dnsSeenCharactersMax)}…`
    : plain
}
