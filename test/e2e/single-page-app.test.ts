import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { openPage, type WatchedPage } from '../support/browser.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { createPublishedSite } from '../support/published-site.ts'
import { requires } from '../support/requires.ts'

/** An app that routes in the browser, in the form in which Vite leaves it, with the rule of Amplify's guide for such apps. */

const folder = join(import.meta.dir, '../fixtures/sites/spa')
const singlePageRule = String.raw`</^[^.]+$|\.(?!(css|gif|ico|jpg|js|png|txt|svg|woff|woff2|ttf|map|json|webp)$)([^.]+$)/>`

describe.if(requires('chromium'))('a single-page app in a browser', () => {
  let preamp: TestPreamp
  let origin: string
  let watched: WatchedPage
  beforeAll(async () => {
    preamp = await startPreamp()
    const site = await createPublishedSite(preamp)
    const paths = [...new Bun.Glob('**/*').scanSync(folder)]
    await site.publish(
      Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')])),
    )
    await site.setRules([singlePageRule, '/index.html', '200'])
    origin = `http://${site.host}`
  })
  afterAll(() => preamp.stop())
  beforeEach(async () => {
    watched = await openPage()
  })
  afterEach(() => watched.close())

  /** Waits for the route to be shown. */
  const heading = (text: string) => watched.page.locator('h1', { hasText: text }).waitFor()

  test('a deep link opens, is loaded again, and leads on; back and forward lead where they should', async () => {
    const { page, problems, documents } = watched
    const opened = await page.goto(`${origin}/birds/wren`)
    expect(opened!.status()).toBe(200)
    await heading('Wren')
    expect((await page.reload())!.status()).toBe(200)
    await heading('Wren')
    expect(documents).toHaveLength(2)

    await page.click('a[href="/"]')
    await heading('Birds')
    await page.click('a[href="/birds/house-sparrow"]')
    await heading('House sparrow')
    await page.goBack()
    await heading('Birds')
    await page.goBack()
    await heading('Wren')
    await page.goForward()
    await heading('Birds')
    expect(page.url()).toBe(`${origin}/`)
    expect(documents).toHaveLength(2)

    await page.goto(`${origin}/no/such/route`)
    await heading('Nobody here')
    expect(problems).toEqual([])
  })

  test('its styles and pictures are loaded below a deep link', async () => {
    const { page, problems } = watched
    await page.goto(`${origin}/birds/wren`)
    await heading('Wren')
    expect(await page.evaluate(`getComputedStyle(document.querySelector('h1')).color`)).toBe('rgb(0, 90, 60)')
    await page.waitForFunction(`document.querySelector('img').naturalWidth === 64`)
    expect(problems).toEqual([])
  })

  test('a link to an asset that is not there ends at a 404, not at the start page', async () => {
    const { page, problems } = watched
    await page.goto(`${origin}/birds/wren`)
    await heading('Wren')
    const missing = `${origin}/assets/song-77aa10c5.png`
    const [answer] = await Promise.all([page.waitForResponse(missing), page.click('text=Song')])
    expect(answer.status()).toBe(404)
    expect(problems).toEqual([`404 ${missing}`])

    for (const path of ['/assets/index-00000000.js', '/assets/index-00000000.css']) {
      const opened = await page.goto(`${origin}${path}`)
      expect([path, opened!.status()]).toEqual([path, 404])
      expect(await opened!.text()).not.toContain('<div id="app">')
    }
  })
})
