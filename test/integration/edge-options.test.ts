import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import {
  CreateAppCommand,
  CreateBranchCommand,
  CreateDomainAssociationCommand,
  GetDomainAssociationCommand,
  GetJobCommand,
  StartJobCommand,
} from '@aws-sdk/client-amplify'

import { dataDirectoryAt } from '../../src/data-directory.ts'
import { askEndpoint } from '../support/call-endpoint.ts'
import { explainedAt } from '../support/explained.ts'
import { createGitRepository } from '../support/git-repository.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { waitFor } from '../support/wait-for.ts'

/** What an app can choose beyond AWS, and what is said of a deployment, through a whole server. */

let preamp: TestPreamp
let site: PublishedSite
beforeAll(async () => {
  preamp = await startPreamp({
    environment: { PREAMP_DOMAIN_VERIFICATION: 'none', PREAMP_PREVIOUS_ASSETS_MINUTES: '0' },
  })
  site = await createPublishedSite(preamp)
})
afterAll(() => preamp.stop())

async function visit(path: string, init: RequestInit = {}) {
  const response = await site.visit(path, init)
  return [response.status, response.headers.get('location') ?? (await response.text())]
}

async function logOf(step: 'BUILD' | 'DEPLOY', jobId: string, appId = site.appId): Promise<string> {
  const { job } = await preamp.client.send(new GetJobCommand({ appId, branchName: 'main', jobId }))
  const { logUrl } = job!.steps!.find(({ stepName }) => stepName === step)!
  return (await fetch(logUrl!)).text()
}

describe('an option', () => {
  beforeAll(async () => {
    await site.publish({
      'index.html': 'home',
      'about.html': 'about',
      'docs/index.html': 'docs',
      'img/logo.svg': 'logo',
      'both.html': 'both',
      'both/index.html': 'folder',
      'app.js': 'code',
      '404.html': 'lost',
    })
  })

  test('trailingSlash gives pages one address each', async () => {
    await site.setOptions({ trailingSlash: 'always' })
    expect(await visit('/about?x=1')).toEqual([301, '/about/?x=1'])
    expect(await visit('/about/')).toEqual([200, 'about'])
    expect(await visit('/app.js')).toEqual([200, 'code'])
    await site.setOptions({ trailingSlash: 'never' })
    expect(await visit('/docs/')).toEqual([301, '/docs'])
    expect(await visit('/docs')).toEqual([200, 'docs'])
    await site.setOptions({ trailingSlash: '' })
    expect([await visit('/docs'), await visit('/about'), await visit('/about.html')]).toEqual([
      [301, '/docs/'],
      [200, 'about'],
      [200, 'about'],
    ])
  })

  test.each([
    ['always', '/about/', '/docs/', '/both/'],
    ['never', '/about', '/docs', '/both'],
  ])('trailingSlash=%s leads every other form there', async (trailingSlash, about, docs, both) => {
    await site.setOptions({ trailingSlash })
    expect(await visit('/about.html?x=1')).toEqual([301, `${about}?x=1`])
    for (const path of ['/docs/index.html', '/docs/index']) expect(await visit(path)).toEqual([301, docs])
    for (const path of ['/index.html', '/index']) expect(await visit(path)).toEqual([301, '/'])
    expect(await visit('/both.html')).toEqual([301, both])
    for (const [path, text] of [
      [about, 'about'],
      [docs, 'docs'],
      ['/', 'home'],
      [both, 'both'],
      // The address of its folder shows another page.
      ['/both/index.html', 'folder'],
      ['/img/logo.svg', 'logo'],
    ] as const) {
      expect([path, ...(await visit(path))]).toEqual([path, 200, text])
    }
    await site.setOptions({ trailingSlash: '' })
  })

  test('trailingSlash=never adds no slash, also where nothing is', async () => {
    await site.setOptions({ trailingSlash: 'never' })
    for (const path of ['/nope', '/nope/', '/img', '/img/']) expect((await visit(path))[0]).toBe(404)
    await site.setRules(['/<*>', '/404.html', '404-200'])
    expect(await visit('/nope')).toEqual([404, 'lost'])
    await site.setOptions({ trailingSlash: 'always' })
    expect(await visit('/nope')).toEqual([301, '/nope/'])
    await site.setRules()
    await site.setOptions({ trailingSlash: '' })
  })

  test('rewriteMissingOnly lets a page lead to its one address', async () => {
    await site.setRules(['/<*>', '/index.html', '200'])
    await site.setOptions({ rewriteMissingOnly: true, trailingSlash: 'always' })
    expect([await visit('/about'), await visit('/about/')]).toEqual([
      [301, '/about/'],
      [200, 'about'],
    ])
    expect(await visit('/users/7')).toEqual([200, 'home'])
    await site.setOptions({ rewriteMissingOnly: '', trailingSlash: '' })
    await site.setRules()
  })

  test('rewriteMissingOnly leaves files alone', async () => {
    await site.setRules(['/<*>', '/index.html', '200'])
    expect(await visit('/app.js')).toEqual([200, 'home'])
    await site.setOptions({ rewriteMissingOnly: true })
    expect(await visit('/app.js')).toEqual([200, 'code'])
    expect(await visit('/users/7')).toEqual([200, 'home'])
    await site.setOptions({ rewriteMissingOnly: '' })
  })

  test('singlePageStatus200 answers the rule of the console with 200', async () => {
    await site.setRules(['/<*>', '/index.html', '404-200'])
    expect(await visit('/users/7/')).toEqual([404, 'home'])
    await site.setOptions({ singlePageStatus200: true })
    expect(await visit('/users/7/')).toEqual([200, 'home'])
    await site.setOptions({ singlePageStatus200: '' })
  })

  test('notFoundPage shows 404.html', async () => {
    await site.setRules()
    expect(await visit('/none.png')).toEqual([404, expect.stringContaining('There is no page')])
    await site.setOptions({ notFoundPage: true })
    expect(await visit('/none.png')).toEqual([404, 'lost'])
    await site.setOptions({ notFoundPage: '' })
  })

  test('expressionGroups puts what a group matched in place of $1', async () => {
    await site.setRules([String.raw`</^\/old\/([a-z]+)$/>`, '/new/$1', '302'])
    expect(await visit('/old/page')).toEqual([302, '/new/$1'])
    await site.setOptions({ expressionGroups: true })
    expect(await visit('/old/page')).toEqual([302, '/new/page'])
    await site.setOptions({ expressionGroups: '' })
  })

  test('headerConditions lets a rule ask for a header', async () => {
    await site.setRules({
      source: '/',
      target: '/de/',
      status: '302',
      condition: '<accept-language: de*>',
    })
    const german = { headers: { 'accept-language': 'de-AT' } }
    expect(await visit('/', german)).toEqual([200, 'home'])
    await site.setOptions({ headerConditions: true })
    expect(await visit('/', german)).toEqual([302, '/de/'])
    expect(await visit('/')).toEqual([200, 'home'])
    await site.setOptions({ headerConditions: '' })
    await site.setRules()
  })
})

const rules = (...lines: unknown[]) => JSON.stringify(lines)

describe('customRules.json', () => {
  const rule = { source: '/old', target: '/new', status: '301', condition: null }

  test('is a file like any other unless the option is on', async () => {
    const jobId = await site.publish({ 'index.html': 'home', 'customRules.json': rules(rule) })
    expect(await visit('/customRules.json')).toEqual([200, rules(rule)])
    expect(await visit('/old')).toEqual([301, '/old/'])
    expect(await logOf('DEPLOY', jobId)).toContain(
      '[WARNING]: # customRules.json is published as a page, and its rules have no effect: the option customRulesFile of the app is off.',
    )
  })

  test('counts from the next deployment on, and is no page at once when the option is switched on', async () => {
    const notesFor = async () => (await explainedAt(preamp, `http://${site.host}/old`)).notes
    expect(await notesFor()).toEqual([
      'customRules.json of this deployment is a page like any other: the option customRulesFile of the app is off.',
    ])
    await site.setOptions({ customRulesFile: true })
    expect((await visit('/customRules.json'))[0]).toBe(404)
    expect(await visit('/old')).toEqual([301, '/old/'])
    expect(await notesFor()).toEqual([
      'The rules of customRules.json do not count: the deployment was made while the option customRulesFile was off. Deploy again.',
    ])
  })

  test('brings rules after those of the app, and is not for visitors', async () => {
    await site.setRules(['/old', '/first', '302'])
    const second = { source: '/other', target: '/new' }
    await site.publish({ 'index.html': 'home', 'customRules.json': `\uFEFF${rules(rule, second)}` })
    expect(await visit('/old')).toEqual([302, '/first'])
    expect(await visit('/other')).toEqual([302, '/new'])
    expect((await site.visit('/customRules.json')).status).toBe(404)
    await site.setOptions({ customRulesFile: false })
    expect(await visit('/other')).toEqual([301, '/other/'])
    const { notes } = await explainedAt(preamp, `http://${site.host}/other`)
    expect(notes).toEqual([
      'The deployment brings 2 rules in customRules.json, which do not count: the option customRulesFile of the app is off.',
    ])
    await site.setOptions({ customRulesFile: true })
    expect(await visit('/other')).toEqual([302, '/new'])
    await site.setRules()
  })

  test.each([
    ['{"source": "/a"}', 'Unable to parse customRules.json: the document must be a list of rules'],
    [
      '[{"source": "/a", "target": "/b", "status": 301}]',
      'must be one of 200, 301, 302, 404, 404-200, as text',
    ],
    ['[{"source": "/a", "target": "/b", "statsu": "301"}]', 'has the key statsu'],
    ['[{"source": "/a"}]', '[0].target must be text'],
    ['[1]', 'must be an object with source and target'],
    ['[,]', 'Unable to parse customRules.json: '],
    ['', 'Unable to parse customRules.json: '],
    [
      '[{"source": "https://a.example", "target": "https://a.example/x", "status": "301"}]',
      'leads to itself',
    ],
  ])('%p fails the deployment', async (text, message) => {
    await expect(site.publish({ 'index.html': 'bad', 'customRules.json': text })).rejects.toThrow(message)
    expect(await visit('/')).toEqual([200, 'home'])
  })

  test('longer than a file of settings is fails the deployment', async () => {
    const long = `[${'1,'.repeat(200_000)}]`
    await expect(site.publish({ 'index.html': 'bad', 'customRules.json': long })).rejects.toThrow(
      'customRules.json is longer than 262144 bytes',
    )
  })

  test('of a repository counts where what was built has none', async () => {
    const spec = 'version: 1\nfrontend: { artifacts: { baseDirectory: out } }\n'
    const repository = await createGitRepository({
      'amplify.yml': spec,
      'out/index.html': 'built',
      'customRules.json': rules(rule),
    })
    const { app } = await preamp.client.send(
      new CreateAppCommand({ name: 'built', repository: repository.url }),
    )
    const branch = { appId: app!.appId!, branchName: 'main' }
    await preamp.client.send(new CreateBranchCommand(branch))
    await setOptionsOf(branch.appId, { customRulesFile: true })
    const visitBuilt = (path: string) =>
      site.visit(path, { headers: { host: site.host.replace(site.appId, branch.appId) } })
    const locationOf = async (path: string) => (await visitBuilt(path)).headers.get('location')

    await build(branch)
    expect(await locationOf('/old')).toBe('/new')
    repository.commit({ 'out/customRules.json': rules({ ...rule, target: '/newer' }) })
    await build(branch)
    expect(await locationOf('/old')).toBe('/newer')
    expect((await visitBuilt('/customRules.json')).status).toBe(404)

    repository.commit({ 'out/a.css': 'a' })
    repository.git('rm', '--quiet', 'out/index.html')
    repository.git('commit', '--quiet', '--message', 'No start page')
    const jobId = await build(branch)
    expect(await logOf('DEPLOY', jobId, branch.appId)).toContain(
      'There is no index.html in the folder "out", which was published',
    )
    const page = await visitBuilt('/')
    expect([page.status, await page.text()]).toEqual([
      404,
      expect.stringContaining('there is no index.html in the published folder out.'),
    ])
    repository.remove()
  })
})

async function setOptionsOf(appId: string, options: Record<string, unknown>): Promise<void> {
  const server = { url: preamp.apiUrl, key: preamp.credentials }
  await askEndpoint(server, 'PUT', `/_preamp/apps/${appId}/options`, options)
}

async function build(branch: { appId: string; branchName: string }): Promise<string> {
  const started = await preamp.client.send(new StartJobCommand({ ...branch, jobType: 'RELEASE' }))
  const { jobId } = started.jobSummary!
  await waitFor('the build to end', 60, async () => {
    const { job } = await preamp.client.send(new GetJobCommand({ ...branch, jobId: jobId! }))
    if (job!.summary!.status === 'FAILED') throw new Error(JSON.stringify(job))
    return job!.summary!.status === 'SUCCEED'
  })
  return jobId!
}

describe('a deployment without index.html', () => {
  test('succeeds, and log and visitors are told what is missing', async () => {
    const jobId = await site.publish({ 'dist/index.html': 'home', 'dist/a.css': 'a' })
    const log = await logOf('DEPLOY', jobId)
    expect(log).toContain(
      '[WARNING]: There is no index.html at the root of the files (everything lies in "dist/": publish what is in that folder), so the address of the site itself shows nothing.',
    )
    const response = await site.visit('/')
    expect([response.status, await response.text()]).toEqual([
      404,
      expect.stringContaining('there is no index.html at the root of the published files'),
    ])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await (await site.visit('/none.png')).text()).toContain('There is no page at this address.')
  })

  test('says nothing where a rule explains it, and names rules that have no effect', async () => {
    await site.setRules(['/', '/dist/', '302'], ['/a/<*>/b', '/c', '301'])
    const log = await logOf('DEPLOY', await site.publish({ 'dist/index.html': 'home' }))
    expect(log).not.toContain('index.html')
    expect(log).toContain(
      '[WARNING]: The custom rule for "/a/<*>/b", number 2, has no effect: The <*> of its source is not at the end.',
    )
    await site.setRules()
  })

  test('is told what patterns of headers do not mean', async () => {
    const patterns = ['/a?.js', '/[slug].js', '/!(x).js', '/@(a|b)/*', '/**/*.{js,css}', '/a+b/*']
    const entries = patterns.map(
      (pattern) => `  - { pattern: '${pattern}', headers: [{ key: X, value: '1' }] }`,
    )
    const customHttp = ['customHeaders:', ...entries, ''].join('\n')
    const jobId = await site.publish({ 'index.html': 'home', 'customHttp.yml': customHttp })
    const warnings = [
      ['/a?.js', '?'],
      ['/[slug].js', '[slug]'],
      ['/!(x).js', '!(…)'],
      ['/@(a|b)/*', '@(…)'],
    ].map(
      ([pattern, foreign]) =>
        `In the pattern "${pattern}" of custom headers ${foreign} stands for nothing but these characters: the wildcards are *, ** and {a,b}.`,
    )
    const log = await logOf('DEPLOY', jobId)
    for (const warning of warnings) expect(log).toContain(`[WARNING]: ${warning}`)
    expect(log.split('of custom headers')).toHaveLength(warnings.length + 1)
    const { notes } = await explainedAt(preamp, `http://${site.host}/`)
    expect(notes).toEqual(warnings)
  })

  test('fails with the option requireIndex', async () => {
    await site.setOptions({ requireIndex: true })
    await expect(site.publish({ 'a.css': 'a' })).rejects.toThrow(
      'There is no index.html at the root of the files, and no rule for / leads elsewhere.',
    )
    await site.setRules(['/<*>', '/start.html', '200'])
    await site.publish({ 'start.html': 'start' })
    expect(await visit('/')).toEqual([200, 'start'])
    await site.setOptions({ requireIndex: '' })
    await site.setRules()
  })
})

const createRedirect = (target: string) =>
  preamp.client.send(
    new CreateAppCommand({
      name: 'loop',
      customRules: [{ source: 'https://a.example', target, status: '301' }],
    }),
  )

describe('rules that are saved', () => {
  test('never lead to themselves', async () => {
    const own = `https://main.${site.appId}.localhost`
    await expect(site.setRules(['/api/<*>', `${own}/api/<*>`, '200'])).rejects.toMatchObject({
      name: 'BadRequestException',
      message: expect.stringContaining('The custom rule for "/api/<*>", number 1, leads to itself') as string,
    })
    await expect(site.setRules(['https://a.example', 'https://a.example/x', '301'])).rejects.toThrow(
      'Give the rule another host as its target',
    )
    await expect(createRedirect('https://a.example')).rejects.toThrow('leads to itself')
    await createRedirect('https://b.example')
  })

  test('nor by the hosts of custom domains', async () => {
    const { appId } = site
    const domainName = 'loops.example'
    await preamp.client.send(
      new CreateDomainAssociationCommand({
        appId,
        domainName,
        subDomainSettings: [{ prefix: 'www', branchName: 'main' }],
      }),
    )
    await waitFor('the domain to be there', 30, async () => {
      const { domainAssociation } = await preamp.client.send(
        new GetDomainAssociationCommand({ appId, domainName }),
      )
      return domainAssociation!.domainStatus === 'AVAILABLE'
    })
    await expect(site.setRules(['/a', 'https://www.loops.example/a', '200'])).rejects.toThrow(
      'leads to itself',
    )
    await site.setRules(['/a', 'https://elsewhere.loops.example/a', '200'])
    await site.setRules()
  })

  test('and whatever else makes no sense is saved', async () => {
    await site.setRules(['no path', '/x', '301'], ['/a', '/a', '301'], ['</(/>', '/x', '200'])
    await site.setRules()
  })
})

test('credentials that an older version has saved are known after the start', async () => {
  const older = await startPreamp()
  const secured = await createPublishedSite(older)
  await secured.publish({ 'index.html': 'home' })
  await secured.updateApp({ enableBasicAuth: true, basicAuthCredentials: btoa('user:password') })
  await secured.updateBranch({ basicAuthCredentials: btoa('branch:password') })
  await older.stop({ keepData: true })
  const database = new Database(dataDirectoryAt(older.dataDir).database)
  database.run('update "apps" set "basicAuth" = null')
  database.run('update "branches" set "basicAuth" = null')
  database.close()

  const newer = await startPreamp({ dataDir: older.dataDir })
  const ask = async (pair: string) => {
    const headers = { host: secured.host, authorization: `Basic ${btoa(pair)}` }
    return (await fetch(newer.sitesUrl, { headers })).status
  }
  expect([await ask('user:password'), await ask('user:wrong')]).toEqual([200, 401])
  await newer.stop()
}, 60_000)
