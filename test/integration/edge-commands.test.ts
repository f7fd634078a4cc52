import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { explainedAt } from '../support/explained.ts'
import { runCommand } from '../support/preamp-command.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts'

/** What a site's headers and the servers behind its rules may not say: to the proxy in front, and to the sites of others. */

let preamp: TestPreamp
let site: PublishedSite
let upstream: RawUpstream

const commands = [
  'X-Accel-Redirect',
  'X-Accel-Buffering',
  'X-Sendfile',
  'X-LIGHTTPD-send-file',
  'X-LiteSpeed-Location',
  'X-Reproxy-URL',
  'X-Envoy-Immediate-Health-Check-Fail',
  'Surrogate-Control',
  'Surrogate-Key',
  'Edge-Control',
]
const file = [
  'customHeaders:',
  "  - pattern: '**'",
  '    headers:',
  ...commands.map((name) => `      - { key: ${name}, value: /internal }`),
  '      - { key: CDN-Cache-Control, value: max-age=5 }',
  '      - { key: Set-Cookie, value: "a=b; Path=/; Domain=.LOCALHOST" }',
].join('\n')

beforeAll(async () => {
  upstream = await startRawUpstream()
  preamp = await startPreamp({ environment: { PREAMP_PROXY_HTTP: 'true' } })
  site = await createPublishedSite(preamp)
  await site.setRules(['/api/<*>', `http://127.0.0.1:${upstream.port}/<*>`, '200'], ['/old', '/new', '301'])
})
afterAll(async () => {
  await preamp.stop()
  await upstream.stop()
})

const commandsIn = ({ headers }: Response) => commands.filter((name) => headers.has(name))
const told = (name: string) => `The custom header "${name}" is not sent: it commands the proxy in front.`
const cookieTold = 'The Domain of a custom header "Set-Cookie" is not sent: other sites would get the cookie.'

describe.each(['customHttp.yml', 'customHeaders of the app'])('of %s', (place) => {
  let jobId: string
  beforeAll(async () => {
    if (place === 'customHttp.yml') {
      jobId = await site.publish({ 'index.html': '', 'customHttp.yml': file })
    } else {
      await site.updateApp({ customHeaders: file })
      jobId = await site.publish({ 'index.html': '' })
    }
  })

  test.each(['/', '/nothing', '/old', '/api/x'])('no command is sent with %s', async (path) => {
    const answer = await site.visit(path)
    expect(commandsIn(answer)).toEqual([])
    expect(answer.headers.getSetCookie()).toEqual(['a=b; Path=/'])
    if (answer.ok) expect(answer.headers.get('cdn-cache-control')).toBe('max-age=5')
  })

  test('the log of the deployment and explain say which and why', async () => {
    const { output } = await runCommand(preamp.dataDir, 'logs', site.appId, 'main', jobId)
    const { notes } = await explainedAt(preamp, `http://${site.host}/`)
    for (const sentence of [...commands.map(told), cookieTold]) {
      expect(output).toContain(`[WARNING]: ${sentence}\n`)
      expect(notes).toContain(sentence)
    }
  })
})

test('a server behind a rule commands nobody in front, and sets cookies for its own site', async () => {
  await site.updateApp({ customHeaders: '' })
  await site.publish({ 'index.html': '' })
  const domain = site.host.replace(/^main\.|:.*$/g, '')
  const cookies = [
    ['a=1; Domain=localhost; Path=/', 'a=1; Path=/'],
    ['b=2; HttpOnly;domain = .LocalHost. ;Secure', 'b=2; HttpOnly;Secure'],
    [`c=3; Domain=${domain}`, `c=3; Domain=${domain}`],
    ['d=4; Domain=example.com', 'd=4; Domain=example.com'],
    ['e=5; Domain=localhost; Domain=localhost', 'e=5'],
    ['domain=localhost; Path=/', 'domain=localhost; Path=/'],
  ]
  const lines = [
    ...commands.map((name) => `${name}: /internal`),
    ...cookies.map(([cookie]) => `Set-Cookie: ${cookie}`),
  ]
  upstream.answer(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Kept: 1\r\n${lines.join('\r\n')}\r\n\r\nok`)
  const answer = await site.visit('/api/x')
  expect([answer.headers.get('x-kept'), await answer.text()]).toEqual(['1', 'ok'])
  expect(commandsIn(answer)).toEqual([])
  expect(answer.headers.getSetCookie()).toEqual(cookies.map(([, kept]) => kept!))
})

test('a rule that is led out of its target is named by explain', async () => {
  const { answer, rules } = await explainedAt(preamp, `http://${site.host}/api/..%2fx`)
  expect(answer).toMatchObject({ kind: 'out-of-target', status: 400 })
  expect(rules[0]).toMatchObject({ result: 'matched' })
  expect(rules[0]!.reason).toContain('would lead out of the folder that its target names')
})
