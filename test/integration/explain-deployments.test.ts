import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { explainedAt, sentHeaders, toldHeaders } from '../support/explained.ts'
import { runCommand } from '../support/preamp-command.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'

/** From which deployment an answer comes, and what a rule fetches: as explain says it, held against what the site does. */

let preamp: TestPreamp
beforeAll(async () => {
  preamp = await startPreamp({
    environment: { PREAMP_PROXY_HTTP: 'true', PREAMP_TRUSTED_PROXIES: '127.0.0.1' },
  })
})
afterAll(() => preamp.stop())

/** Asks the site, and what explain says of the same visit: both answers are the same. */
async function compare(site: PublishedSite, path: string, headers: Record<string, string> = {}) {
  const response = await site.visit(path, { headers: { 'accept-encoding': 'identity', ...headers } })
  const lines = Object.entries(headers).map((pair) => ['header', pair.join(': ')])
  const explanation = await explainedAt(preamp, `http://${site.host}${path}`, ...lines)
  expect(explanation.answer.status).toBe(response.status)
  expect(toldHeaders(explanation)).toEqual(sentHeaders(response))
  return { response, text: await response.text(), explanation }
}

describe('skew protection', () => {
  let site: PublishedSite
  const ids: Record<string, string> = {}
  const jobs: Record<string, string> = {}

  beforeAll(async () => {
    site = await createPublishedSite(preamp)
    await site.updateBranch({ enableSkewProtection: true })
    for (const name of ['one', 'two', 'three']) {
      jobs[name] = await site.publish({ 'index.html': `page ${name}`, [`${name}.js`]: name })
      ids[name] = (await explainedAt(preamp, `http://${site.host}/`)).deployment!.deploymentId
    }
  })

  test('nothing is asked for: the live one answers, and a page brings its cookie', async () => {
    const { explanation } = await compare(site, '/')
    expect(explanation.skewProtection).toEqual({
      asked: undefined,
      isEarlier: false,
      reason: expect.stringContaining('the visit names no other'),
    })
    expect(explanation.headers).toContainEqual({
      name: 'set-cookie',
      value: `_dpl=${ids['three']}; Path=/; HttpOnly; SameSite=Lax`,
      origin: 'default',
      pattern: undefined,
    })
    const https = await compare(site, '/', { 'x-forwarded-proto': 'https' })
    expect(toldHeaders(https.explanation)['set-cookie']).toContain('; Secure;')
  })

  test.each([
    ['the cookie', '/', { cookie: 'a=b; _dpl={one}' }, 'cookie', 'one'],
    ['the query before the cookie', '/?dpl={two}', { cookie: '_dpl={one}' }, 'query', 'two'],
    [
      'the header before both',
      '/?dpl={two}',
      { cookie: '_dpl={two}', 'x-amplify-dpl': '{one}' },
      'header',
      'one',
    ],
    [
      'a page that a script fetches',
      '/',
      { cookie: '_dpl={one}', 'sec-fetch-dest': 'empty' },
      'cookie',
      'one',
    ],
    ['what is live already', '/', { cookie: '_dpl={three}' }, 'cookie', 'three'],
    ['what is not there', '/', { 'x-amplify-dpl': 'nobody' }, 'header', 'three'],
    [
      'a page that is opened',
      '/',
      { cookie: '_dpl={one}', 'sec-fetch-dest': 'document' },
      undefined,
      'three',
    ],
    ['a file that is no page', '/two.js', { cookie: '_dpl={two}' }, 'cookie', 'two'],
    ['what this one does not have', '/three.js', { cookie: '_dpl={two}' }, 'cookie', 'two'],
  ] as [string, string, Record<string, string>, string | undefined, string][])(
    '%s',
    async (_, path, headers, by, name) => {
      const withIds = (text: string) => text.replaceAll(/\{(\w+)\}/g, (_all, id: string) => ids[id]!)
      const sent = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, withIds(value)]))
      const { response, text, explanation } = await compare(site, withIds(path), sent)
      const { skewProtection, deployment } = explanation
      expect(skewProtection?.asked?.by).toBe(by as never)
      expect(skewProtection?.isEarlier).toBe(name !== 'three')
      expect([deployment?.deploymentId, deployment?.jobId]).toEqual([ids[name], jobs[name]])
      if (response.status === 200) expect(text).toEndWith(name)
    },
  )

  test('why is said in words', async () => {
    const reason = async (...headers: string[]) => {
      const lines = headers.map((line) => ['header', line])
      return (await explainedAt(preamp, `http://${site.host}/`, ...lines)).skewProtection!.reason
    }
    expect(await reason(`Cookie: _dpl=${ids['one']}`)).toBe(
      'The cookie _dpl names this one, which was live before. A browser that opens a page says so (Sec-Fetch-Dest: document), and gets the live one.',
    )
    expect(await reason('Cookie: _dpl=nobody')).toBe(
      'The live one: the cookie _dpl names nobody, which is none that is kept for visitors of this branch.',
    )
    expect(await reason(`Cookie: _dpl=${ids['one']}`, 'Sec-Fetch-Dest: document')).toBe(
      'Who opens a page in a browser gets the live deployment, whatever the cookie _dpl names.',
    )
    const { output } = await runCommand(
      preamp.dataDir,
      'explain',
      `http://${site.host}/`,
      '--header',
      `X-Amplify-Dpl: ${ids['two']}`,
    )
    expect(output).toContain(`Deployment  ${ids['two']}, of job ${jobs['two']}`)
    expect(output).toContain('Skew        The header X-Amplify-Dpl names this one, which was live before.')
  })

  test('the address of a job shows that job, whatever is asked for', async () => {
    const host = site.host.replace('main.', `main--${jobs['one']}.`)
    const { deployment, skewProtection } = await explainedAt(preamp, `http://${host}/`, [
      'header',
      `X-Amplify-Dpl: ${ids['two']}`,
    ])
    expect([deployment?.deploymentId, skewProtection]).toEqual([ids['one'], undefined])
    const { output } = await runCommand(preamp.dataDir, 'explain', `http://${host}/`)
    expect(output).toContain(`(the address of a job)`)
  })
})

describe('assets of the deployment before', () => {
  test('say from which one they are', async () => {
    const site = await createPublishedSite(preamp)
    await site.publish({ 'index.html': 'one', 'gone.html': 'gone', 'assets/app-1.js': 'first' })
    const before = (await explainedAt(preamp, `http://${site.host}/`)).deployment!.deploymentId
    await site.setRules(['/base/<*>', '/assets/<*>', '200'])
    await site.publish({ 'index.html': 'two', 'assets/app-2.js': 'second' })

    const { explanation, text } = await compare(site, '/assets/app-1.js')
    const { answer, deployment, skewProtection } = explanation
    expect([text, answer.file, answer.deploymentId]).toEqual(['first', 'assets/app-1.js', before])
    expect(deployment?.jobId).toBe('2')
    expect(skewProtection).toBeUndefined()
    expect(answer.reason).toMatch(
      new RegExp(
        `^It has this path\\. It is not in the deployment that answers: it comes from ${before} of job 1, which was live until 20.+Z, for pages that are still open\\.$`,
      ),
    )
    const byRule = (await compare(site, '/base/app-1.js')).explanation.answer
    expect(byRule.reason).toStartWith(`Rule 1 shows it. It is not in the deployment that answers`)
    const live = (await compare(site, '/assets/app-2.js')).explanation
    expect([live.answer.reason, live.answer.deploymentId]).toEqual([
      'It has this path.',
      live.deployment!.deploymentId,
    ])
    expect((await compare(site, '/gone.html')).explanation.answer.status).toBe(404)
  })
})

test('of what a rule fetches, what the site adds is told as it is sent', async () => {
  const upstream = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('fetched') })
  try {
    const site = await createPublishedSite(preamp)
    await site.publish({ 'index.html': 'home' })
    const target = `http://127.0.0.1:${upstream.port}/`
    await site.setRules(['/api', target, '200'], ['/<*>', target, '404-200'])
    await site.updateApp({
      customHeaders:
        "customHeaders:\n  - pattern: '**'\n    headers: [{ key: Cache-Control, value: max-age=5 }, { key: X-Mine, value: a }]\n",
    })
    const added = async (path: string) => {
      const { answer, headers } = await explainedAt(preamp, `http://${site.host}${path}`)
      const response = await site.visit(path)
      expect([answer.kind, await response.text()]).toEqual(['proxy', 'fetched'])
      expect(sentHeaders(response)).toMatchObject(
        Object.fromEntries(headers.map(({ name, value }) => [name, name === 'x-amz-cf-id' ? '' : value])),
      )
      const told = headers.map(({ name }) => name)
      for (const name of ['cache-control', 'x-mine', 'vary']) {
        expect([name, told.includes(name)]).toEqual([name, response.headers.has(name)])
      }
      return [response.status, ...told]
    }
    expect(await added('/api')).toEqual([200, 'cache-control', 'x-amz-cf-id', 'x-mine'])
    // No cache keeps what is shown where nothing is.
    expect(await added('/nothing.png')).toEqual([404, 'x-amz-cf-id', 'x-mine'])
    await site.updateBranch({ enableSkewProtection: true })
    expect(await added('/api')).toEqual([200, 'cache-control', 'vary', 'x-amz-cf-id', 'x-mine'])
  } finally {
    await upstream.stop(true)
  }
})

test('a branch that was never deployed says so', async () => {
  const site = await createPublishedSite(preamp)
  await site.updateBranch({ enableSkewProtection: true })
  const { answer, deployment, skewProtection } = await explainedAt(preamp, `http://${site.host}/`)
  expect([answer.kind, deployment, skewProtection?.isEarlier]).toEqual(['never-deployed', undefined, false])
})
