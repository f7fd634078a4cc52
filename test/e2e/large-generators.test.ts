import { expect } from 'bun:test'

import { openPage } from '../support/browser.ts'
import { describeGenerators, type GeneratorCase } from '../support/generator-builds.ts'
import { requires, requiresRegistry } from '../support/requires.ts'

const docusaurus: GeneratorCase = {
  name: 'docusaurus',
  pages: { '/': 'Birds of the garden', '/sparrow': 'House sparrow' },
  customRules: [{ source: '/<*>', target: '/404.html', status: '404-200' }],
  ...(requires('chromium') && { walk: walkDocusaurus }),
}

/** In a browser, in which a page becomes an app when its scripts have run. */
async function walkDocusaurus(origin: string): Promise<void> {
  const { page, problems, documents, close } = await openPage()
  const heading = (text: string) => page.locator('h1', { hasText: text }).waitFor()
  try {
    await page.goto(origin, { waitUntil: 'networkidle' })
    await heading('Birds of the garden')
    await page.click('a.menu__link[href="/sparrow"]')
    await heading('House sparrow')
    await page.goBack()
    await heading('Birds of the garden')
    await page.goForward()
    await heading('House sparrow')
    expect(documents).toEqual([`${origin}/`])

    for (const open of [() => page.goto(`${origin}/sparrow`), () => page.reload()]) {
      expect((await open())!.status()).toBe(200)
      await page.waitForLoadState('networkidle')
      await heading('House sparrow')
    }
    expect(problems).toEqual([])

    const missing = `${origin}/eagle`
    expect((await page.goto(missing, { waitUntil: 'networkidle' }))!.status()).toBe(404)
    await heading('Page Not Found')
    // The step to the slash goes before rules for what is not there.
    expect(problems).toEqual([`404 ${missing}/`])
  } finally {
    await close()
  }
}

/** Built by one executor, as they take long and say nothing more with the others. */
if (requires('git') && (await requiresRegistry())) {
  describeGenerators(requires('bwrap') ? 'bubblewrap' : 'process', [
    { name: 'turborepo', appRoot: 'apps/garden', pages: { '/': 'Birds of the garden' } },
    { name: 'nextjs', pages: { '/': 'Birds of the garden', '/sparrow': 'House sparrow' } },
    docusaurus,
  ])
}
