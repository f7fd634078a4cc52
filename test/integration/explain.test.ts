import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { CreateDomainAssociationCommand, type CustomRule } from '@aws-sdk/client-amplify'

import type { Explanation } from '../../src/model/explanation.ts'
import { deployOnlyPolicy } from '../../src/model/managed-policies.ts'
import { insertApp } from '../../src/store/apps.ts'
import { startApi } from '../support/api.ts'
import { askEndpoint } from '../support/call-endpoint.ts'
import { explainedAt, queryOf, sentHeaders, toldHeaders } from '../support/explained.ts'
import { runCommand } from '../support/preamp-command.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { appRow } from '../support/rows.ts'
import { waitFor } from '../support/wait-for.ts'

/** What explain says of a site, held against what the site does. */

const hostile = '</^(\\/a+)+$/>'
const rules: (CustomRule | [source: string, target: string, status: string])[] = [
  ['/old/<*>', '/docs/<*>', '301'],
  { source: '/about', target: '/docs/', status: '302', condition: '<US>' },
  ['/a/<*>/b', '/x', '301'],
  ['/gone', '/nowhere.html', '200'],
  [hostile, '/index.html', '200'],
  ['/api/<*>', 'https://api.example.com/v1/<*>', '200'],
  ['/<*>', '/404.html', '404-200'],
]

let preamp: TestPreamp
let site: PublishedSite

beforeAll(async () => {
  preamp = await startPreamp({
    environment: {
      PREAMP_TRUSTED_PROXIES: '127.0.0.1',
      PREAMP_COUNTRY_HEADER: 'cf-ipcountry',
      PREAMP_DOMAIN_VERIFICATION: 'none',
    },
  })
  site = await createPublishedSite(preamp)
  await site.publish({
    'index.html': '<h1>Home</h1>',
    'about.html': '<h1>About</h1>',
    '404.html': '<h1>Lost</h1>',
    'docs/index.html': '<h1>Docs</h1>',
    'long.js': 'let a = 1\n'.repeat(1000),
    'customHttp.yml': [
      'customHeaders:',
      "  - pattern: '**'",
      '    headers: [{ key: X-Frame-Options, value: DENY }, { key: X-All, value: a }]',
      "  - pattern: '/docs/*'",
      '    headers: [{ key: x-frame-options, value: SAMEORIGIN }, { key: Cache-Control, value: max-age=60 }]',
      '',
    ].join('\n'),
  })
  await site.setRules(...rules)
})
afterAll(() => preamp.stop())

const server = () => ({ url: preamp.apiUrl, key: preamp.credentials })

const explain = (path: string, ...more: string[][]) =>
  explainedAt(preamp, `http://${site.host}${path}`, ...more)

/** Status and message of what is refused. */
async function ask(...pairs: string[][]): Promise<string> {
  const { status, answer } = await askEndpoint(server(), 'GET', `/_preamp/explain?${queryOf(pairs)}`)
  return `${status} ${(answer as { message: string }).message}`
}

/** Number and result of each rule. */
const resultsOf = (explanation: Explanation) =>
  explanation.rules.map(({ number, result }) => `${number} ${result}`)

describe('what is explained is what happens', () => {
  test.each([
    ['/', 'GET', {}],
    ['/', 'HEAD', {}],
    ['/', 'POST', {}],
    ['/', 'OPTIONS', {}],
    ['/about', 'GET', {}],
    ['/about', 'GET', { country: 'US' }],
    ['/about', 'GET', { country: 'de' }],
    ['/docs', 'GET', {}],
    ['/docs/', 'GET', {}],
    ['/docs/?x=1', 'GET', {}],
    ['/old/a%20b?x=1', 'GET', {}],
    ['/old/a%20b?x=1', 'POST', {}],
    ['/gone', 'GET', {}],
    ['/nothing.png', 'GET', {}],
    ['/no-extension', 'GET', {}],
    ['/%zz', 'GET', {}],
    ['//double', 'GET', {}],
    ['/docs/../about', 'GET', {}],
    ['/long.js', 'GET', { encoding: 'br' }],
    [`/${'a'.repeat(4000)}!.x`, 'GET', {}],
  ] as [string, string, { country?: string; encoding?: string }][])(
    '%s %s %o',
    async (path, method, { country, encoding = 'identity' }) => {
      const response = await site.visit(path, {
        method,
        headers: { 'accept-encoding': encoding, ...(country && { 'cf-ipcountry': country }) },
        decompress: false,
      } as RequestInit)
      const explanation = await explain(
        path,
        ['method', method],
        ['header', `Accept-Encoding: ${encoding}`],
        ...(country === undefined ? [] : [['country', country]]),
      )
      const { answer, https } = explanation
      expect(answer.status).toBe(response.status)
      expect(answer.location).toBe(response.headers.get('location') ?? undefined)
      expect(toldHeaders(explanation)).toEqual(sentHeaders(response))
      expect(https).toBeUndefined()
    },
  )
})

describe('rules', () => {
  test('have their numbers, what became of each, and why', async () => {
    const { rules: explained, answer } = await explain('/about')
    expect(explained.map(({ number, result, reason }) => [number, result, reason])).toEqual([
      [1, 'skipped', 'Its source is another address.'],
      [2, 'skipped', 'It is for visitors from US, and nothing says where this one is.'],
      [3, 'ignored', 'The <*> of its source is not at the end.'],
      [4, 'skipped', 'Its source is another address.'],
      [5, 'skipped', 'Its expression does not match.'],
      [6, 'skipped', 'Its source is another address.'],
      [7, 'not-reached', 'Rules with this status are asked only where nothing else answers.'],
    ])
    expect(answer).toMatchObject({ kind: 'file', file: 'about.html', reason: 'It has this path and .html.' })
  })

  test('that decide are named, also where what they show is missing', async () => {
    const redirected = await explain('/old/a')
    expect(redirected.rules[0]!.reason).toBe('It redirects to /docs/a with status 301.')
    expect([
      redirected.answer.reason,
      redirected.headers.find(({ name }) => name === 'location')!.origin,
    ]).toEqual(['Rule 1 says so.', 'rule'])
    const missed = await explain('/gone')
    expect(missed.rules[3]).toMatchObject({
      result: 'matched',
      reason: expect.stringContaining('/nowhere.html is no file'),
    })
    expect(missed.answer).toMatchObject({ status: 404, file: '404.html', reason: 'Rule 7 shows it.' })
  })

  test('that take too long are told', async () => {
    const { rules: explained } = await explain(`/${'a'.repeat(4000)}!.x`)
    expect(explained[4]).toMatchObject({
      source: hostile,
      result: 'skipped',
      reason: 'Its expression takes too long for this path, which counts as no match.',
    })
  })

  test('that fetch from elsewhere say from where, without doing so', async () => {
    const { answer, headers } = await explain('/api/users?x=1')
    expect(answer).toMatchObject({ kind: 'proxy', target: 'https://api.example.com/v1/users?x=1' })
    expect(answer.status).toBeUndefined()
    expect(headers.map(({ name }) => name)).toContain('x-all')
  })

  test('for methods that files do not answer end the search', async () => {
    const explanation = await explain('/gone', ['method', 'post'])
    expect(explanation.method).toBe('POST')
    expect(resultsOf(explanation).slice(3, 5)).toEqual(['4 matched', '5 not-reached'])
    expect(explanation.answer.status).toBe(405)
  })

  test('that lead back to themselves are told as a circle, and those that never end', async () => {
    await site.setRules(
      ['/a', '/b', '301'],
      ['/b', '/a', '302'],
      ['/start', '/a', '301'],
      ['/more/<*>', '/more/x/<*>', '301'],
      ['/docs', '/about', '301'],
    )
    const circle =
      'The redirects go in a circle: /a (rule 1) → /b (rule 2) → /a. Browsers give up after some rounds.'
    expect((await explain('/a')).notes).toEqual([circle])
    expect((await explain('/start')).notes).toEqual([circle])
    const more = await explain('/more/y?z=1')
    expect(more.notes).toEqual([
      `The redirects do not end: after 20 of them /more/${'x/'.repeat(20)}y?z=1 is redirected still.`,
    ])
    expect((await explain('/docs')).notes).toEqual([])
    await site.setRules(...rules)
  })

  test('with targets that stay as they are written say so', async () => {
    await site.setRules(
      ['/p/<id>', '/q/<name>?x=<id>', '302'],
      [String.raw`</^\/r\/(.*)$/>`, '/s/$1/<*>', '302'],
      ['/t/<*>', 'http://example.com/<*>', '200'],
    )
    const { rules: explained } = await explain('/p/1')
    const group =
      '$1 of its target stays as it is written: groups count with the option expressionGroups of the app.'
    expect(explained.map(({ warnings }) => warnings)).toEqual([
      ['<name> of its target is not in its source, and stays as it is written.'],
      ['<*> of its target is not in its source, and stays as it is written.', group],
      [],
    ])
    expect(explained[2]!.reason).toContain('PREAMP_PROXY_HTTP=true')
    const { output } = await runCommand(preamp.dataDir, 'explain', `${site.host}/p/1`)
    expect(output).toContain(group)
    await site.setOptions({ expressionGroups: true })
    expect((await explain('/p/1')).rules[1]!.warnings).toHaveLength(1)
    await site.setOptions({ expressionGroups: '' })
    await site.setRules(...rules)
  })

  test('may ask for headers, and come from the repository', async () => {
    await site.setOptions({ headerConditions: true })
    await site.setRules({ source: '/about', target: '/docs/', status: '302', condition: '<x-team: a*>' })
    const skipped = await explain('/about')
    expect(skipped.rules[0]!.reason).toBe('It is for visits whose header x-team is a*.')
    const matched = await explain('/about', ['header', 'X-Other: 1'], ['header', 'X-Team: alpha'])
    expect(matched.answer.status).toBe(302)
    await site.setOptions({ headerConditions: '' })
    const ignored = await explain('/about', ['header', 'x-team: alpha'])
    expect(ignored.rules[0]!.result).toBe('ignored')
    await site.setRules(...rules)
  })
})

describe('the rest', () => {
  test('host, app, branch and deployment', async () => {
    const { host, app, branchName, deployment } = await explain('/')
    expect([host, app, branchName]).toEqual([
      { name: site.host.replace(/:.*/, ''), kind: 'branch' },
      { appId: site.appId, name: 'site' },
      'main',
    ])
    expect(deployment).toMatchObject({ jobId: '1', files: 5, appRoot: '' })
    expect(Math.abs(deployment!.deployedAt - Date.now() / 1000)).toBeLessThan(120)
  })

  test('the host of a custom domain', async () => {
    await preamp.client.send(
      new CreateDomainAssociationCommand({
        appId: site.appId,
        domainName: 'example.com',
        subDomainSettings: [{ prefix: 'www', branchName: 'main' }],
      }),
    )
    const query = queryOf([['url', 'https://WWW.example.com:8443/about#part']])
    const explanation = await waitFor('the domain', 10, async () => {
      const { status, answer } = await askEndpoint(server(), 'GET', `/_preamp/explain?${query}`)
      return status === 200 && (answer as Explanation)
    })
    expect(explanation).toMatchObject({
      url: 'https://www.example.com:8443/about',
      host: { name: 'www.example.com', kind: 'custom-domain' },
      app: { appId: site.appId },
      branchName: 'main',
    })
  })

  test('headers have their origin, the last pattern that has them', async () => {
    const { headers } = await explain('/docs/')
    const origins = Object.fromEntries(headers.map(({ name, origin, pattern }) => [name, [origin, pattern]]))
    expect(origins).toMatchObject({
      'x-frame-options': ['customHttp.yml', '/docs/*'],
      'cache-control': ['customHttp.yml', '/docs/*'],
      'x-all': ['customHttp.yml', '**'],
      etag: ['default', undefined],
    })
  })

  test('access is told, with what this visitor meets', async () => {
    await site.updateApp({
      enableBasicAuth: true,
      basicAuthCredentials: Buffer.from('user:password').toString('base64'),
    })
    await site.setOptions({ deniedAddresses: '192.0.2.0/24' })
    const asked = await explain('/')
    expect(asked.access).toEqual({
      password: 'app',
      allowedAddresses: '',
      deniedAddresses: '192.0.2.0/24',
      maintenance: false,
      refusal: { status: 401, reason: 'The password is asked for, and the visit does not bring it.' },
    })
    expect(asked.answer.status).toBe(200)
    const refused = async (header: string) => (await explain('/', ['header', header])).access.refusal?.reason
    expect(await refused(`Authorization: Basic ${btoa('user:wrong')}`)).toBe(
      'The password is asked for, and the visit brings another name or password.',
    )
    expect(await refused('Authorization: Bearer token')).toBe(
      'The password is asked for, and the header Authorization of the visit is not of the kind Basic.',
    )
    const authorization = `Authorization: Basic ${Buffer.from('user:password').toString('base64')}`
    expect((await explain('/', ['header', authorization])).access.refusal).toBeUndefined()
    const denied = await explain('/', ['header', authorization], ['address', '192.0.2.7'])
    expect(denied.access.refusal?.status).toBe(403)
    await site.setOptions({ deniedAddresses: '', maintenance: true })
    expect((await explain('/', ['header', authorization])).access.refusal?.status).toBe(503)
    await site.setOptions({ maintenance: '' })
    for (const basicAuthCredentials of ['user:password', btoa('password alone')]) {
      await site.updateApp({ basicAuthCredentials })
      expect(await refused(authorization)).toBe(
        'Nobody is let in: what is stored as basicAuthCredentials is not base64 of name:password. Set it anew.',
      )
    }
    await site.updateApp({ enableBasicAuth: false })
    await site.updateBranch({ enableBasicAuth: true })
    expect(await refused(authorization)).toBe(
      'Nobody is let in: the password is asked for, and basicAuthCredentials has never been set.',
    )
    await site.updateBranch({ enableBasicAuth: false })
  })

  test('a site without index.html that nothing explains', async () => {
    const bare = await createPublishedSite(preamp)
    await bare.publish({ 'dist/index.html': '<h1>Home</h1>' })
    const query = queryOf([['url', bare.host]])
    const { answer } = await askEndpoint(server(), 'GET', `/_preamp/explain?${query}`)
    expect(answer).toMatchObject({
      answer: { kind: 'no-start-page', status: 404 },
      notes: [
        expect.stringMatching(
          /^The deployment has 1 file and no index\.html in the root of what was uploaded/,
        ),
      ],
    })
  })

  test('what cannot be asked is refused with the reason', async () => {
    const url = ['url', `http://${site.host}/`]
    expect(await ask()).toMatch(/^400 .*url/)
    expect(await ask(['url', 'ftp://example.com/'])).toMatch(/^400 .*address of a page/)
    expect(await ask(['url', 'http://'])).toMatch(/^400/)
    expect(await ask(url, ['country', 'USA'])).toMatch(/^400 .*two letters/)
    expect(await ask(url, ['address', 'here'])).toMatch(/^400 .*IP address/)
    expect(await ask(url, ['method', 'GET / HTTP/1.1'])).toMatch(/^400 .*method/)
    expect(await ask(url, ['header', 'no colon'])).toMatch(/^400 .*colon/)
    expect(await ask(url, ['header', 'a: b\r\nc: d'])).toMatch(/^400/)
    expect(await ask(url, ...Array.from({ length: 51 }, () => ['header', 'a: b']))).toMatch(/^400/)
    expect(await ask(['url', 'http://main.dnobody.localhost/'])).toMatch(/^404/)
  })

  test('the command shows it as a person reads it', async () => {
    const { exitCode, output } = await runCommand(
      preamp.dataDir,
      'explain',
      `${site.host}/docs?x=1`,
      '--header',
      'x-team: alpha',
      '--country',
      'de',
    )
    expect(exitCode).toBe(0)
    expect(output).toStartWith(`GET http://${site.host}/docs?x=1 from DE\n`)
    for (const text of [
      `App         ${site.appId} “site”, branch main`,
      'Access      open to everybody',
      '3  ! ignored   /a/<*>/b → /x  301',
      '301 to /docs/?x=1',
      'x-frame-options: DENY',
    ]) {
      expect(output).toContain(text)
    }
    expect(output).not.toContain('\u001b')
    const fetched = await runCommand(preamp.dataDir, 'explain', `${site.host}/api/users`)
    expect(fetched.output).toContain(
      'Answer\n  what https://api.example.com/v1/users answers, with its status\n',
    )
    const missing = await runCommand(preamp.dataDir, 'explain', 'http://main.dnobody.localhost/')
    expect([missing.exitCode, missing.errors]).toEqual([
      2,
      expect.stringMatching(
        /^NotFoundException: No site of yours is at main\.dnobody\.localhost\. Sites are at .* list-branches /,
      ) as string,
    ])
  })
})

test("a host of another account is as unknown as nobody's, and one of an app that may not be read is refused", async () => {
  const app = appRow()
  const api = await startApi({
    services: {
      sites: {
        find: (host) =>
          Promise.resolve(host === 'own.example' ? { appId: app.appId, branchName: 'main' } : undefined),
        explain: () => Promise.reject(new Error('nobody may see this')),
      },
    },
  })
  try {
    await insertApp(api.services.database.queries, app)
    const stranger = await api.createKey({ accountId: '111111111111' })
    const elsewhere = await api.createKey({ policies: [deployOnlyPolicy('dother')] })
    const askAs = async (key: typeof stranger, host: string) => {
      const { status, answer } = await askEndpoint(
        { url: api.url, key },
        'GET',
        `/_preamp/explain?url=${host}`,
      )
      return `${status} ${(answer as { message: string }).message.replace(host, 'HOST')}`
    }
    const unknown = await askAs(stranger, 'nobody.example')
    expect(unknown).toStartWith('404 No site of yours is at HOST. Sites are at ')
    expect(await askAs(stranger, 'own.example')).toBe(unknown)
    expect(await askAs(elsewhere, 'own.example')).toMatch(/^403 .*not authorized to perform: amplify:GetApp/)
    expect(await askAs(elsewhere, 'nobody.example')).toMatch(
      /^403 .*not authorized to perform: amplify:GetApp/,
    )
  } finally {
    await api.stop()
  }
})
