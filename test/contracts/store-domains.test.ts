import { describe, expect, test } from 'bun:test'

import { deleteApp } from '../../src/store/apps.ts'
import { deleteBranch } from '../../src/store/branches.ts'
import {
  claimDueDomain,
  deleteDomain,
  findDomain,
  findDomainOwner,
  insertDomain,
  listDomains,
  listOwnedDomains,
  settleDomain,
  updateDomain,
} from '../../src/store/domain-associations.ts'
import {
  insertDomainHosts,
  listDomainHosts,
  listTakenHosts,
  ownHosts,
  replaceDomainHosts,
  setVerifiedHosts,
} from '../../src/store/domain-hosts.ts'
import { findDomainSite } from '../../src/store/domain-sites.ts'
import type { BranchRow, DomainAssociationRow } from '../../src/store/schema.ts'
import { databaseServers } from '../support/databases.ts'
import { domainHostRow, domainRow } from '../support/domain-rows.ts'
import { requires } from '../support/requires.ts'
import { awkward } from '../support/rows.ts'
import { storeFixture, violation } from '../support/store-fixture.ts'

describe.each(databaseServers(requires('postgres')))('domain associations on %s', (_name, start) => {
  const store = storeFixture(start)
  const queries = () => store.database.queries
  const settle = (claim: { domain: DomainAssociationRow } | undefined, statusReason: string) =>
    store.database.transaction((transaction) =>
      settleDomain(transaction, claim!.domain, { statusReason, nextCheckAt: 50 }),
    )
  /** The one of all that waited longest. */
  const claim = (now: number, leaseExpiresAt: number, exceptAccounts: string[] = []) =>
    claimDueDomain(store.database, { now, leaseExpiresAt, exceptAccounts })
  const siteOf = async (host: string) => (await findDomainSite(queries(), host))?.branch.name

  async function addDomain(
    row: Partial<DomainAssociationRow> = {},
    prefixes: string[] = [],
    accountId = '000000000000',
  ): Promise<DomainAssociationRow> {
    const domain = domainRow(row.appId ?? (await store.addApp({ accountId })).appId, row)
    await insertDomain(queries(), domain)
    const hosts = prefixes.map((prefix, position) => domainHostRow(domain, prefix, { position, accountId }))
    await insertDomainHosts(queries(), hosts)
    return domain
  }

  test('read back as they were written, and hosts in their order', async () => {
    const domain = await addDomain(
      {
        domainName: 'back.example',
        settings: { enableAutoSubDomain: true, autoSubDomainCreationPatterns: [awkward] },
        checks: [
          {
            of: { kind: 'sub-domain', prefix: 'z' },
            expected: awkward,
            seen: '→',
            passed: true,
            answered: true,
          },
        ],
      },
      ['z', '', 'a'],
    )
    expect(await findDomain(queries(), domain.appId, 'back.example')).toEqual(domain)
    const hosts = (await listDomainHosts(queries(), [domain.domainId]))(domain.domainId)
    expect(hosts.map(({ prefix }) => prefix)).toEqual(['z', '', 'a'])
    await setVerifiedHosts(queries(), domain.domainId, ['', 'a'])
    await replaceDomainHosts(queries(), domain.domainId, [{ ...hosts[2]!, branchName: 'dev' }, hosts[0]!])
    const after = (await listDomainHosts(queries(), [domain.domainId]))(domain.domainId)
    expect(after.map(({ prefix, branchName }) => `${prefix} ${branchName}`).toSorted()).toEqual([
      'a dev',
      'z main',
    ])
  })

  test('come in pages in the order of their creation', async () => {
    const { appId } = await store.addApp()
    const made: DomainAssociationRow[] = []
    for (const name of ['c.example', 'a.example', 'b.example']) {
      made.push(await addDomain({ appId, domainName: name, createdAt: made.length }))
    }
    const page = await listDomains(queries(), appId, { limit: 2 })
    expect(page).toEqual(made.slice(0, 2))
    const after = { createdAt: page[1]!.createdAt, id: page[1]!.domainId }
    expect(await listDomains(queries(), appId, { after, limit: 2 })).toEqual([made[2]!])
  })

  test('are one of a name in their app, and go with it', async () => {
    const domain = await addDomain({ domainName: 'once.example' }, ['www'])
    const second = domainRow(domain.appId, { domainName: 'once.example' })
    expect(await violation(insertDomain(queries(), second))).toBe('unique')
    await deleteApp(queries(), domain.appId)
    expect(await findDomain(queries(), domain.appId, 'once.example')).toBeUndefined()
    expect((await listDomainHosts(queries(), [domain.domainId]))(domain.domainId)).toEqual([])
  })

  test('ask for a host once in an account, and across accounts until one owns it', async () => {
    const mine = await addDomain({ domainName: 'shared.example' }, ['www'])
    const account = '111111111111'
    const theirs = await addDomain({ domainName: 'shared.example' }, ['www', 'api'], account)
    const again = await addDomain({ domainName: 'www.shared.example' })
    expect(await violation(insertDomainHosts(queries(), [domainHostRow(again, '')]))).toBe('unique')
    const hosts = ['free.shared.example', 'www.shared.example', 'api.shared.example']
    const asked = (domainId: string, accountId: string) =>
      listTakenHosts(queries(), { domainId, accountId }, hosts)
    expect(await asked(again.domainId, '000000000000')).toEqual(['www.shared.example'])
    expect(await asked(mine.domainId, '000000000000')).toEqual([])
    expect(await asked('other', account)).toEqual(['www.shared.example', 'api.shared.example'])
    expect(await findDomainOwner(queries(), 'shared.example')).toBeUndefined()

    await updateDomain(queries(), theirs.domainId, { ownedAt: 5 })
    await ownHosts(queries(), theirs.domainId)
    expect((await findDomainOwner(queries(), 'shared.example'))?.domainId).toBe(theirs.domainId)
    expect(await asked(mine.domainId, '000000000000')).toEqual(['www.shared.example', 'api.shared.example'])
    expect(await violation(updateDomain(queries(), mine.domainId, { ownedAt: 6 }))).toBe('unique')
    expect(await violation(ownHosts(queries(), mine.domainId))).toBe('unique')
    expect((await listOwnedDomains(queries(), theirs.appId)).map(({ domainId }) => domainId)).toEqual([
      theirs.domainId,
    ])
    await deleteDomain(queries(), theirs.domainId)
    await ownHosts(queries(), mine.domainId)
  })

  describe('a claim', () => {
    test('finds what is due, the longest waiting first, and each once', async () => {
      const soon = await addDomain({ domainName: 'soon.example', nextCheckAt: 2_000 })
      const sooner = await addDomain({ domainName: 'sooner.example', nextCheckAt: 1_999, status: 'UPDATING' })
      await addDomain({ domainName: 'later.example', nextCheckAt: 9_000 })
      await addDomain({ domainName: 'never.example', nextCheckAt: null })
      // Those of other tests are due as well.
      const claimed: string[] = []
      for (;;) {
        const due = await claim(2_000, 8_000)
        if (!due) break
        claimed.push(due.domain.domainName)
        expect(due.domain.nextCheckAt).toBe(8_000)
        expect(due.scope).toEqual({ accountId: expect.any(String), region: 'us-east-1' })
        expect(due.domain.status).not.toBe('CREATING')
      }
      expect(claimed.slice(-2)).toEqual(['sooner.example', 'soon.example'])
      expect((await findDomain(queries(), soon.appId, 'soon.example'))?.status).toBe('PENDING_VERIFICATION')
      expect((await findDomain(queries(), sooner.appId, 'sooner.example'))?.status).toBe('UPDATING')
    })

    test('is one process’s, of many that ask at once', async () => {
      for (let index = 0; index < 20; index++)
        await addDomain({ domainName: `m${index}.example`, nextCheckAt: 10_000 })
      const claims = await Promise.all(Array.from({ length: 40 }, () => claim(10_000, 20_000)))
      const names = claims.flatMap((due) =>
        due?.domain.domainName.startsWith('m') ? [due.domain.domainName] : [],
      )
      expect(new Set(names).size).toBe(names.length)
      for (;;) {
        const due = await claim(10_000, 20_000)
        if (!due) break
        names.push(due.domain.domainName)
      }
      expect(new Set(names).size).toBe(names.length)
      expect(names.filter((name) => /^m\d+\.example$/.test(name))).toHaveLength(20)
    })

    test('leaves out accounts that have enough', async () => {
      for (const [accountId, domainName, nextCheckAt] of [
        ['555555555555', 'many.example', 1],
        ['555555555555', 'more.example', 2],
        ['666666666666', 'one.example', 3],
      ] as const) {
        await addDomain({ domainName, nextCheckAt, appId: (await store.addApp({ accountId })).appId })
      }
      expect((await claim(3, 8_000, ['555555555555', '777777777777']))?.domain.domainName).toBe('one.example')
      expect(await claim(3, 8_000, ['555555555555'])).toBeUndefined()
      expect((await claim(3, 8_000))?.domain.domainName).toBe('many.example')
      expect((await claim(3, 8_000))?.domain.domainName).toBe('more.example')
    })

    test('that was changed, taken over or deleted meanwhile settles nothing', async () => {
      const domain = await addDomain({ domainName: 'fenced.example' })
      const claimAgain = async (leaseExpiresAt: number) => {
        await updateDomain(queries(), domain.domainId, { nextCheckAt: 0 })
        return claim(0, leaseExpiresAt)
      }
      const first = await claimAgain(100)
      const second = await claimAgain(101)
      expect(await settle(first, 'first')).toBe(false)
      expect(await settle(second, 'second')).toBe(true)
      const third = await claimAgain(102)
      await updateDomain(queries(), domain.domainId, { nextCheckAt: 60 })
      expect(await settle(third, 'third')).toBe(false)
      expect((await findDomain(queries(), domain.appId, 'fenced.example'))?.statusReason).toBe('second')
      await deleteDomain(queries(), domain.domainId)
      expect(await settle(second, 'gone')).toBe(false)
      expect(await claimAgain(103)).toBeUndefined()
    })
  })

  describe('a host', () => {
    let branch: BranchRow

    test('shows the branch that is set for it, one that is there by itself, or the wildcard’s', async () => {
      const { appId } = await store.addApp()
      for (const name of ['main', 'dev', 'beta', 'feature/x']) {
        branch = await store.addBranch({ appId, name, displayName: name.replace('/', '-') })
        await store.addDeployment(branch.branchId, 1)
      }
      const domain = await addDomain({
        appId,
        domainName: 'hosts.example',
        ownedAt: 1,
        settings: { enableAutoSubDomain: true },
      })
      await insertDomainHosts(queries(), [
        domainHostRow(domain, ''),
        domainHostRow(domain, '*', { branchName: 'dev' }),
        domainHostRow(domain, 'b.c', { branchName: 'feature/x' }),
        domainHostRow(domain, '*.c', { branchName: 'beta' }),
        domainHostRow(domain, 'ghost', { branchName: 'gone' }),
      ])
      expect(await siteOf('hosts.example')).toBe('main')
      expect(await siteOf('b.c.hosts.example')).toBe('feature/x')
      expect(await siteOf('x.c.hosts.example')).toBe('beta')
      expect(await siteOf('c.hosts.example')).toBe('dev')
      expect(await siteOf('any.hosts.example')).toBe('dev')
      expect(await siteOf('a.b.hosts.example')).toBeUndefined()
      expect(await siteOf('ghost.hosts.example')).toBeUndefined()
      expect((await findDomainSite(queries(), 'hosts.example'))?.deployment).toBeDefined()
      // `main` and `beta` have hosts of their own; a slash is not matched by the patterns that hold unless others are set.
      expect(await siteOf('main.hosts.example')).toBe('dev')
      expect(await siteOf('feature-x.hosts.example')).toBe('dev')
      await replaceDomainHosts(queries(), domain.domainId, [
        domainHostRow(domain, '*', { branchName: 'dev' }),
      ])
      expect(await siteOf('beta.hosts.example')).toBe('beta')
      await deleteBranch(queries(), branch.branchId)
      expect(await siteOf('b.c.hosts.example')).toBeUndefined()
    })

    test('shows nothing while nobody owns its domain', async () => {
      const { appId } = await store.addApp()
      await store.addBranch({ appId })
      const domain = await addDomain({
        appId,
        domainName: 'unproven.example',
        settings: { enableAutoSubDomain: true },
      })
      await insertDomainHosts(queries(), [domainHostRow(domain, 'www'), domainHostRow(domain, '*')])
      for (const label of ['www', 'main', 'any'])
        expect(await siteOf(`${label}.unproven.example`)).toBeUndefined()
    })
  })
})
