import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { explainedAt } from '../support/explained.ts'
import { runCommand } from '../support/preamp-command.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite, type PublishedSite } from '../support/published-site.ts'

/** Custom headers that are written and not sent: who wrote them is told. */

let preamp: TestPreamp
let site: PublishedSite
beforeAll(async () => {
  preamp = await startPreamp()
  site = await createPublishedSite(preamp)
})
afterAll(() => preamp.stop())

const list = (value: string) => `  - pattern: '**'\n    headers: [{ key: X-From, value: ${value} }]\n`

async function logOf(customHttp: string): Promise<string> {
  const jobId = await site.publish({ 'index.html': '<h1>Home</h1>', 'customHttp.yml': customHttp })
  const { output } = await runCommand(preamp.dataDir, 'logs', site.appId, 'main', jobId)
  expect(output).toContain('# Found custom headers config file.')
  return output
}

const notesAt = async (path: string) => (await explainedAt(preamp, `http://${site.host}${path}`)).notes

describe('a customHttp.yml', () => {
  const form = 'Headers stand below "customHeaders": a list of patterns with headers.'

  test.each([
    ['with a mistyped key', `headers:\n${list('file')}`, `It has "headers" and no "customHeaders". ${form}`],
    ['that is empty', '', `It is empty. ${form}`],
    ['that has comments alone', '# later\n', `It is empty. ${form}`],
    ['with a key and nothing in it', 'customHeaders:\n', `It has nothing in "customHeaders". ${form}`],
    [
      'for other apps of a monorepo',
      `applications:\n- appRoot: apps/web\n  customHeaders:\n${list('file')}`,
      'It has headers for the apps in "apps/web" and none outside of "applications". Write "customHeaders" beside it: a list of patterns with headers.',
    ],
  ])('%s is told in the log', async (_name, text, told) => {
    expect(await logOf(text)).toContain(`[WARNING]: customHttp.yml has no effect. ${told}\n`)
    expect((await site.visit('/')).headers.get('x-from')).toBeNull()
  })

  test('with headers, or none on purpose, is not warned of', async () => {
    expect(await logOf(`customHeaders:\n${list('file')}`)).not.toContain('has no effect')
    expect(await logOf('customHeaders: []\n')).not.toContain('has no effect')
  })

  test('replaces all headers of the app, which explain says', async () => {
    await site.updateApp({
      customHeaders: "customHeaders:\n- pattern: '**'\n  headers: [{ key: X-App, value: app }]\n",
    })
    await logOf(`customHeaders:\n${list('file')}`)
    const { headers } = await site.visit('/')
    expect([headers.get('x-from'), headers.get('x-app')]).toEqual(['file', null])
    expect(await notesAt('/')).toEqual([
      'The customHeaders of the app are not used: customHttp.yml replaces them all.',
    ])
    await site.publish({ 'index.html': '<h1>Home</h1>', 'about.html': '<h1>About</h1>' })
    expect((await site.visit('/')).headers.get('x-app')).toBe('app')
    expect(await notesAt('/')).toEqual([])
  })
})

test('customHeaders of the app with a mistyped key are kept, and explain says that they have no effect', async () => {
  await site.publish({ 'index.html': '<h1>Home</h1>' })
  await site.updateApp({ customHeaders: `headers:\n${list('app')}` })
  expect(await notesAt('/')).toEqual([
    'The customHeaders of the app have no effect. It has "headers" and no "customHeaders". Headers stand below "customHeaders": a list of patterns with headers.',
  ])
})

test.each([
  ['{ key: "X Frame", value: DENY }', 'key "X Frame" cannot be the name of a header'],
  ['{ key: Content-Length, value: 1 }', 'key "Content-Length" is a header that the server decides'],
  ['{ key: X-Name, value: "a\\nb" }', 'value of "X-Name" has a line break'],
  ['{ key: X-Name, value: ż }', 'value of "X-Name" has characters that no header can have'],
])('the header %s is refused by its name', async (text, problem) => {
  const customHeaders = `customHeaders: [{ pattern: '**', headers: [${text}] }]`
  await expect(site.updateApp({ customHeaders })).rejects.toThrow(`customHeaders[0].headers[0].${problem}`)
})
