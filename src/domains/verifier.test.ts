import { afterEach, describe, expect, test } from 'bun:test'

import pino from 'pino'

import { databaseServers } from '../../test/support/databases.ts'
import { domainRow } from '../../test/support/domain-rows.ts'
import { storeFixture } from '../../test/support/store-fixture.ts'
import { waitFor } from '../../test/support/wait-for.ts'
import { limits } from '../model/limits.ts'
import { findDomain, insertDomain, updateDomain } from '../store/domain-associations.ts'
import type { DomainAssociationRow } from '../store/schema.ts'
import type { CheckRecords } from './check-records.ts'
import { createDomainVerifier, type DomainVerifier } from './verifier.ts'

const sitesChanged = () => Promise.resolve()

/** Whose turn it is; what a look sees and means is in `check-records.test.ts` and `settle.test.ts`. */
describe('looks at domains', () => {
  const store = storeFixture(databaseServers(false)[0]![1])
  const looks: { domainName: string; end(passed: boolean): void }[] = []
  let verifier: DomainVerifier
  afterEach(() => verifier.stop())

  /** Looks that end when the test says so. */
  const check: CheckRecords = (_scope, { domainName }, _hosts, signal) =>
    new Promise((resolve) => {
      const end = (passed: boolean) =>
        resolve([{ of: { kind: 'ownership' }, expected: 'record', seen: 'record', passed, answered: true }])
      looks.push({ domainName, end })
      signal.addEventListener('abort', () => end(false), { once: true })
    })

  async function addDomains(accountId: string, names: string[]): Promise<DomainAssociationRow[]> {
    const { appId } = await store.addApp({ accountId })
    const rows = names.map((domainName, at) =>
      domainRow(appId, { domainName, checkingSince: Date.now(), nextCheckAt: at + 1 }),
    )
    for (const row of rows) await insertDomain(store.database.queries, row)
    return rows
  }

  function startVerifier(): void {
    looks.length = 0
    const log = pino({ level: 'silent' })
    const { database } = store
    verifier = createDomainVerifier({ database, check, hoursMax: 1, sitesChanged, now: Date.now, log })
    verifier.start()
  }

  const lookedAt = (pattern: RegExp) => looks.filter(({ domainName }) => pattern.test(domainName))

  test('of one account leave room for those of others', async () => {
    await addDomains(
      '111111111111',
      Array.from({ length: 3 * limits.domainLooksAtOnceMax }, (_name, at) => `many-${at}.example`),
    )
    await addDomains('222222222222', ['one.example'])
    startVerifier()
    await waitFor('the other account’s turn', 10, () => lookedAt(/^one/).length === 1)
    expect(lookedAt(/^many/)).toHaveLength(limits.domainLooksOfAccountMax)
    lookedAt(/^many/)[0]!.end(true)
    await waitFor(
      'the place to be taken again',
      10,
      () => lookedAt(/^many/).length === limits.domainLooksOfAccountMax + 1,
    )
  })

  test('that began before the domain was to be looked at anew are not kept', async () => {
    const [domain] = await addDomains('333333333333', ['again.example'])
    const { queries } = store.database
    startVerifier()
    await waitFor('a look', 10, () => lookedAt(/^again/).length === 1)
    await updateDomain(queries, domain!.domainId, { nextCheckAt: 1 })
    verifier.wake()
    await waitFor('a second look', 10, () => lookedAt(/^again/).length === 2)
    const [before, after] = lookedAt(/^again/)
    before!.end(true)
    after!.end(false)
    const row = await waitFor('what was seen', 10, async () => {
      const found = await findDomain(queries, domain!.appId, 'again.example')
      return found?.checkedAt !== null && found
    })
    expect(row).toMatchObject({ status: 'PENDING_VERIFICATION', ownedAt: null })
  })
})
