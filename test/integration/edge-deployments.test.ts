import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { CreateBranchCommand, DeleteJobCommand } from '@aws-sdk/client-amplify'

import { askEndpoint } from '../support/call-endpoint.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'

/** Which deployment answers, through a whole server: skew protection, assets of the one before, addresses of jobs. */

let preamp: TestPreamp
beforeAll(async () => {
  preamp = await startPreamp({ environment: { PREAMP_TRUSTED_PROXIES: '127.0.0.1' } })
})
afterAll(() => preamp.stop())

/** Publishes a site whose page and asset tell which it is. */
const publishNamed = (site: PublishedSite, name: string) =>
  site.publish({ 'index.html': `page ${name}`, 'data.txt': `data ${name}`, [`app-${name}.js`]: name })

const rollBack = (site: PublishedSite, jobId: string) =>
  askEndpoint(
    { url: preamp.apiUrl, key: preamp.credentials },
    'POST',
    `/_preamp/apps/${site.appId}/branches/main/rollback`,
    { jobId },
  )

const textOf = async (response: Response | Promise<Response>) => (await response).text()

const dplOf = (response: Response) => /_dpl=([^;]+)/.exec(response.headers.get('set-cookie') ?? '')?.[1]

describe('skew protection', () => {
  let site: PublishedSite
  /** Ids by the names of the deployments. */
  const ids: Record<string, string> = {}
  const jobs: Record<string, string> = {}

  async function publish(name: string): Promise<void> {
    jobs[name] = await publishNamed(site, name)
    ids[name] = dplOf(await site.visit('/')) ?? ''
  }

  const withCookie = (name: string, headers: Record<string, string> = {}) => ({
    headers: { cookie: `a=b; _dpl=${ids[name] ?? name}; c=d`, ...headers },
  })

  beforeAll(async () => {
    site = await createPublishedSite(preamp)
    await publish('off')
    await site.updateBranch({ enableSkewProtection: true })
    // The one that is live answers, whenever it was made.
    ids['off'] = dplOf(await site.visit('/'))!
    for (const name of ['one', 'two', 'three']) await publish(name)
  })

  test('a page brings the cookie of its deployment, with what keeps caches from mixing visitors', async () => {
    const response = await site.visit('/')
    expect(await response.text()).toBe('page three')
    expect(response.headers.get('set-cookie')).toBe(`_dpl=${ids['three']}; Path=/; HttpOnly; SameSite=Lax`)
    expect(response.headers.get('cache-control')).toBe('private, max-age=0')
    expect(response.headers.get('vary')).toContain('X-Amplify-Dpl, Cookie')
    const https = await site.visit('/', { headers: { 'x-forwarded-proto': 'https' } })
    expect(https.headers.get('set-cookie')).toEndWith('; Path=/; HttpOnly; Secure; SameSite=Lax')
    const asset = await site.visit('/data.txt')
    expect([asset.headers.get('set-cookie'), asset.headers.get('cache-control')]).toEqual([
      null,
      'private, max-age=0',
    ])
  })

  test('the header goes before the query, that before the cookie, and all before what is live', async () => {
    const header = { 'x-amplify-dpl': ids['three']! }
    expect(await textOf(site.visit('/data.txt'))).toBe('data three')
    expect(await textOf(site.visit('/data.txt', withCookie('two')))).toBe('data two')
    expect(await textOf(site.visit(`/data.txt?dpl=${ids['one']}`, withCookie('two')))).toBe('data one')
    expect(await textOf(site.visit(`/data.txt?dpl=${ids['one']}`, withCookie('two', header)))).toBe(
      'data three',
    )
    expect(await textOf(site.visit('/app-one.js', withCookie('one')))).toBe('one')
    expect((await site.visit('/app-three.js', withCookie('one'))).status).toBe(404)
  })

  test('who opens a page gets the newest one, and whoever it asks for follows', async () => {
    const opened = await site.visit('/', withCookie('one', { 'sec-fetch-dest': 'document' }))
    expect([await opened.text(), dplOf(opened)]).toEqual(['page three', ids['three']])
    const fetched = await site.visit('/', withCookie('one', { 'sec-fetch-dest': 'empty' }))
    expect([await fetched.text(), fetched.headers.get('set-cookie')]).toEqual(['page one', null])
    // A client that says nothing of what it does stays where its cookie points.
    const plain = await site.visit('/', withCookie('one'))
    expect([await plain.text(), plain.headers.get('set-cookie')]).toEqual(['page one', null])
  })

  test('a cookie is renewed with a page that has not changed, too', async () => {
    const etag = (await site.visit('/')).headers.get('etag')!
    const response = await site.visit('/', withCookie('nobody', { 'if-none-match': etag }))
    expect([response.status, dplOf(response)]).toEqual([304, ids['three']])
  })

  test('what is unknown, was made before, or is another site’s is answered by what is live', async () => {
    const other = await createPublishedSite(preamp)
    await other.updateBranch({ enableSkewProtection: true })
    await publishNamed(other, 'other')
    ids['other'] = dplOf(await other.visit('/'))!
    for (const name of ['off', 'other', 'nobody', '', '../one', '%00', 'x'.repeat(4000)]) {
      const response = await site.visit('/', withCookie(name))
      expect([name, await response.text(), dplOf(response)]).toEqual([name, 'page three', ids['three']])
    }
  })

  test('follows a rollback at once, and what was rolled back is still there for who has it', async () => {
    await rollBack(site, jobs['two']!)
    const response = await site.visit('/')
    expect([await response.text(), dplOf(response)]).toEqual(['page two', ids['two']])
    expect(await textOf(site.visit('/data.txt', withCookie('three')))).toBe('data three')
    await rollBack(site, jobs['three']!)
    expect(await textOf(site.visit('/data.txt', withCookie('two')))).toBe('data two')
  })

  test('DeleteJob takes a deployment out of service', async () => {
    const { appId, branchName } = site
    await preamp.client.send(new DeleteJobCommand({ appId, branchName, jobId: jobs['two']! }))
    const response = await site.visit('/', withCookie('two'))
    expect([await response.text(), dplOf(response)]).toEqual(['page three', ids['three']])
    expect((await site.visit('/app-two.js', withCookie('two'))).status).toBe(404)
  })

  test('rules, headers and the password are those of now, for every deployment', async () => {
    await site.updateApp({
      customHeaders: "customHeaders:\n  - pattern: '**'\n    headers: [{ key: x-now, value: 'yes' }]\n",
      customRules: [{ source: '/old', target: '/data.txt', status: '301' }],
    })
    expect((await site.visit('/old', withCookie('one'))).status).toBe(301)
    expect((await site.visit('/data.txt', withCookie('one'))).headers.get('x-now')).toBe('yes')
    await site.updateBranch({ enableBasicAuth: true, basicAuthCredentials: btoa('user:password') })
    expect((await site.visit('/data.txt', withCookie('one'))).status).toBe(401)
    await site.updateBranch({ enableBasicAuth: false })
  })

  test('switched off, cookies mean nothing', async () => {
    await site.updateBranch({ enableSkewProtection: false })
    const response = await site.visit('/', withCookie('one'))
    expect([await response.text(), dplOf(response), response.headers.get('vary')]).toEqual([
      'page three',
      undefined,
      null,
    ])
    expect(response.headers.get('cache-control')).toBe('public, max-age=0, s-maxage=31536000')
  })
})

describe('assets of the deployment before', () => {
  test('are there for pages that are open, but for pages themselves and what was deleted', async () => {
    const site = await createPublishedSite(preamp)
    await site.publish({
      'index.html': 'one',
      'gone.html': 'gone',
      'assets/app-1.js': 'first',
      'data.txt': '1',
      'customRules.json': '[]',
      'amplify.yml': 'version: 1',
    })
    await site.setRules(['/base/<*>', '/assets/<*>', '200'], ['/<*>', '/index.html', '404-200'])
    const jobId = await site.publish({ 'index.html': 'two', 'assets/app-2.js': 'second', 'data.txt': '2' })
    const seen = async (path: string) => {
      const response = await site.visit(path)
      return [response.status, await response.text()]
    }
    expect(await seen('/assets/app-1.js')).toEqual([200, 'first'])
    expect(await seen('/base/app-1.js')).toEqual([200, 'first'])
    expect(await seen('/assets/app-2.js')).toEqual([200, 'second'])
    expect(await seen('/data.txt')).toEqual([200, '2'])
    for (const path of ['/gone.html', '/customRules.json', '/amplify.yml']) {
      expect(await seen(path)).toEqual([404, 'two'])
    }
    // After a rollback those of what was rolled back.
    await rollBack(site, '1')
    expect(await seen('/assets/app-2.js')).toEqual([200, 'second'])
    await rollBack(site, jobId)
    const { appId, branchName } = site
    await preamp.client.send(new DeleteJobCommand({ appId, branchName, jobId: '1' }))
    expect(await seen('/assets/app-1.js')).toEqual([404, 'two'])
  })
})

describe('the permanent address of a job', () => {
  test('shows its deployment by the rules and headers of now, and no search engine', async () => {
    const site = await createPublishedSite(preamp)
    const one = await publishNamed(site, 'one')
    await publishNamed(site, 'two')
    await site.setRules(['/old', '/data.txt', '301'])
    const at = (job: string, path = '/') =>
      site.visit(path, { headers: { host: site.host.replace('main.', `main--${job}.`) } })
    const response = await at(one)
    expect([await response.text(), response.headers.get('x-robots-tag')]).toEqual(['page one', 'noindex'])
    expect(await textOf(at('2'))).toBe('page two')
    expect((await at('1', '/old')).status).toBe(301)
    expect((await at('1', '/app-two.js')).status).toBe(404)
    for (const job of ['3', '01', '0', '99999999999', '1--1']) expect((await at(job)).status).toBe(404)

    await site.updateBranch({ enableBasicAuth: true, basicAuthCredentials: btoa('user:password') })
    // Which jobs there are is not told, either.
    expect([(await at('1')).status, (await at('3')).status]).toEqual([401, 401])
    await site.updateBranch({ enableBasicAuth: false })

    const { appId, branchName } = site
    await preamp.client.send(new DeleteJobCommand({ appId, branchName, jobId: '1' }))
    const gone = await at('1')
    expect([gone.status, await gone.text()]).toEqual([404, expect.stringContaining('is not kept')])
    expect((await site.visit('/')).headers.get('x-robots-tag')).toBeNull()
  })

  test('is one that no branch can be called by, also where the name leaves no room for the number', async () => {
    const site = await createPublishedSite(preamp)
    const { appId } = site
    const reserved = { appId, branchName: 'other', displayName: 'main--1' }
    await expect(preamp.client.send(new CreateBranchCommand(reserved))).rejects.toThrow(
      'ends in -- and a number, as the address of a job does. Choose one that does not.',
    )
    await expect(site.updateBranch({ displayName: 'main--1' })).rejects.toThrow('ends in -- and a number')

    await site.updateBranch({ displayName: 'x'.repeat(63) })
    const list = await askEndpoint(
      { url: preamp.apiUrl, key: preamp.credentials },
      'GET',
      `/_preamp/apps/${appId}/branches/main/rollback`,
    )
    expect(list.answer).toMatchObject({ jobs: [] })
    await site.publish({ 'index.html': 'long' })
    const { answer } = await askEndpoint(
      { url: preamp.apiUrl, key: preamp.credentials },
      'GET',
      `/_preamp/apps/${appId}/branches/main/rollback`,
    )
    const { host } = new URL((answer as { jobs: { url: string }[] }).jobs[0]!.url)
    expect(host.split('.')[0]).toMatch(/^x{51}-[0-9a-f]{8}--1$/)
    expect(await textOf(site.visit('/', { headers: { host } }))).toBe('long')
  })
})
