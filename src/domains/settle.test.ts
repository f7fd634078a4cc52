import { describe, expect, test } from 'bun:test'

import { domainRow } from '../../test/support/domain-rows.ts'
import { type Wait, waits } from '../../test/support/terraform-provider.ts'
import type { DomainCheck, DomainStatus } from '../model/domains.ts'
import type { DomainAssociationRow } from '../store/schema.ts'
import { settledBy } from './settle.ts'

const hour = 3600_000
const hoursMax = 72

const ownership = (passed: boolean, answered = true): DomainCheck => ({
  of: { kind: 'ownership' },
  expected: '_x.example.com. CNAME _y.validations.localhost.',
  seen: passed ? 'CNAME _y.validations.localhost' : 'no such record',
  passed,
  answered,
})

const host = (prefix: string, passed: boolean, answered = true): DomainCheck => ({
  of: { kind: 'sub-domain', prefix },
  expected: `${prefix} CNAME d1.localhost`,
  seen: passed ? 'CNAME d1.localhost' : 'no such record',
  passed,
  answered,
})

/** What becomes of the domain `waited` after its wait began. */
function settle(
  row: Partial<DomainAssociationRow>,
  checks: DomainCheck[],
  { waited = 0, taken = false, verified = [] as string[] } = {},
) {
  const domain = domainRow('d1', { status: 'PENDING_VERIFICATION', checkingSince: 0, ...row })
  return settledBy(domain, { checks, taken, verified, now: waited }, hoursMax)
}

describe('a domain that nobody owns yet', () => {
  test('waits, saying for which record and what is there instead', () => {
    const { change, becomesOwned } = settle({}, [ownership(false), host('www', true)], { waited: 1000 })
    expect(change).toMatchObject({ status: 'PENDING_VERIFICATION', nextCheckAt: 3000, checkedAt: 1000 })
    expect(change.statusReason).toBe(
      'Waiting for the DNS record that proves who owns example.com. Expected: "_x.example.com. CNAME _y.validations.localhost."; seen: no such record.',
    )
    expect(becomesOwned).toBe(false)
  })

  test('comes again later where the DNS is silent', () => {
    const { change } = settle({}, [ownership(false, false)], { waited: 1000 })
    expect(change.nextCheckAt).toBe(16_000)
    expect(settle({}, [ownership(false, false)], { waited: 2 * hour }).change.nextCheckAt).toBe(
      2 * hour + 300_000,
    )
  })

  test('is given up after its hours, and looked at once more just then', () => {
    const last = settle({}, [ownership(false)], { waited: hoursMax * hour - 1000 })
    expect(last.change.nextCheckAt).toBe(hoursMax * hour)
    const { change } = settle({}, [ownership(false)], { waited: hoursMax * hour })
    expect(change).toMatchObject({ status: 'FAILED', nextCheckAt: null })
    expect(change.statusReason).toMatch(
      /not seen within 72 hours.*preamp domains check d1 example.com.*Expected.*seen/,
    )
  })

  test('fails when another owns it, whatever its own record says', () => {
    for (const seen of [true, false]) {
      const { change, becomesOwned } = settle({}, [ownership(seen)], { taken: true })
      expect(change).toMatchObject({ status: 'FAILED', nextCheckAt: null })
      expect(change.statusReason).toStartWith(
        'One or more of the CNAMEs you provided are already associated with a different resource.',
      )
      expect(becomesOwned).toBe(false)
    }
  })

  test('is owned from its record on, however late, and waits for its hosts', () => {
    const checks = [ownership(true), host('', false), host('www', true)]
    const { change, becomesOwned, verifiedPrefixes } = settle({}, checks, { waited: 100 * hour })
    expect(change).toMatchObject({ status: 'PENDING_DEPLOYMENT', ownedAt: 100 * hour })
    expect(change.statusReason).toContain('Expected: " CNAME d1.localhost"; seen: no such record.')
    expect(change.statusReason).not.toContain('www')
    expect({ becomesOwned, verifiedPrefixes }).toEqual({ becomesOwned: true, verifiedPrefixes: ['www'] })
  })

  test('is available when all is there at once, or when it has no hosts', () => {
    for (const hosts of [[], [host('www', true)]]) {
      const { change } = settle({}, [ownership(true), ...hosts])
      expect(change).toMatchObject({ status: 'AVAILABLE', statusReason: null, nextCheckAt: null })
      expect(change).not.toHaveProperty('updateStatus')
    }
  })
})

describe('a domain that is owned', () => {
  const owned = { ownedAt: 0, status: 'PENDING_DEPLOYMENT' } as const

  test('never fails, and is looked at as long as a record is missing', () => {
    const { change } = settle(owned, [ownership(false), host('www', false)], { waited: 1000 * hour })
    expect(change).toMatchObject({ status: 'PENDING_DEPLOYMENT', nextCheckAt: 1001 * hour })
  })

  test('keeps what was seen while the DNS says nothing', () => {
    const silent = [ownership(false, false), host('www', false, false), host('new', false, false)]
    const { change, verifiedPrefixes } = settle(owned, silent, { verified: ['www'] })
    expect(verifiedPrefixes).toEqual(['www'])
    expect(change.statusReason).toContain('"new CNAME')
    expect(settle(owned, [host('www', false)], { verified: ['www'] }).verifiedPrefixes).toEqual([])
  })

  test('settles an update by its hosts', () => {
    const updating = { ...owned, status: 'UPDATING', updateStatus: 'PENDING_DEPLOYMENT' } as const
    expect(settle(updating, [ownership(true), host('www', true)]).change).toMatchObject({
      status: 'AVAILABLE',
      updateStatus: 'UPDATE_COMPLETE',
    })
    expect(settle(updating, [ownership(true), host('www', false)]).change).toMatchObject({
      status: 'PENDING_DEPLOYMENT',
      updateStatus: 'AWAITING_APP_CNAME',
    })
  })
})

test('a reason stays short, however many records are missing', () => {
  const hosts = Array.from({ length: 500 }, (_, index) => host(`h${index}`, false))
  const { change } = settle({ ownedAt: 0 }, hosts)
  expect(change.statusReason).toContain('And 497 more.')
  expect(change.statusReason!.length).toBeLessThan(1000)
})

/** How a poll that sees each of these statuses ends. */
function poll(statuses: DomainStatus[], { on, done }: Wait): string {
  for (const status of statuses) {
    if (done.includes(status)) return 'done'
    if (!on.includes(status)) return status
  }
  return 'waiting'
}

describe.each(Object.entries(waits))(
  'Terraform with the waits of %s providers',
  (_age, { created, verified }) => {
    const looks = [
      [ownership(false), host('www', false)],
      [ownership(true), host('www', false)],
      [ownership(true), host('www', true)],
    ]

    /** The statuses of all runs of three looks, from where the API leaves a domain. */
    function* runs(
      first: Partial<DomainAssociationRow>,
      ...before: DomainStatus[]
    ): Generator<DomainStatus[]> {
      for (const a of looks) {
        for (const b of looks) {
          for (const c of looks) {
            const seen: DomainStatus[] = [...before]
            let row = domainRow('d1', { checkingSince: 0, ...first })
            for (const checks of [a, b, c]) {
              // The claim's change, as the store makes it.
              if (row.status === 'CREATING') row = { ...row, status: 'PENDING_VERIFICATION' }
              seen.push(row.status)
              row = {
                ...row,
                ...settledBy(row, { checks, taken: false, verified: [], now: 1 }, hoursMax).change,
              }
              seen.push(row.status)
            }
            yield seen
          }
        }
      }
    }

    test('waits for a new domain through every order of statuses', () => {
      for (const seen of runs({ status: 'CREATING' }, 'CREATING')) {
        expect(poll(seen, created)).toBe('done')
        const afterCreated = seen.filter((status) => status !== 'CREATING')
        expect(['done', 'waiting']).toContain(poll(afterCreated, verified))
        expect(afterCreated).toHaveLength(seen.length - 1)
      }
    })

    test('waits for an update through every order of statuses', () => {
      const updates: Partial<DomainAssociationRow>[] = [
        { status: 'UPDATING', updateStatus: 'PENDING_DEPLOYMENT', ownedAt: 0 },
        { status: 'PENDING_VERIFICATION' },
      ]
      for (const update of updates) {
        for (const seen of runs(update)) expect(['done', 'waiting']).toContain(poll(seen, verified))
      }
    })
  },
)
