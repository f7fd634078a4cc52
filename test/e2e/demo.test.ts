import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openPage } from '../support/browser.ts'
import { requires } from '../support/requires.ts'
import { waitFor } from '../support/wait-for.ts'

const main = join(import.meta.dir, '../../src/main.ts')

/** `preamp demo` on free ports; resolves when the site is up. */
async function startDemo(dataDir: string) {
  const ports = ['--api-port', '0', '--sites-port', '0']
  const child = Bun.spawn([process.execPath, main, 'demo', '--data-dir', dataDir, ...ports], {
    env: { ...process.env, PREAMP_EDGE_PROCESSES: '1' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  let output = ''
  void (async () => {
    const decoder = new TextDecoder()
    for await (const bytes of child.stdout) output += decoder.decode(bytes, { stream: true })
  })()
  const site = await waitFor('the demo to serve its site', 60, () => {
    if (child.exitCode !== null) throw new Error(`preamp demo ended with ${child.exitCode}:\n${output}`)
    return /The site is up:\s+(http:\S+)/.exec(output)?.[1]
  })
  return {
    site,
    output: () => output,
    async stop() {
      child.kill('SIGTERM')
      return await child.exited
    },
  }
}

describe.if(requires('git'))('preamp demo', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'preamp-demo-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('builds the example by a job, serves it, stops when told, and does so again', async () => {
    const first = await startDemo(folder)
    expect(first.output()).toContain('# Executing command: node build.mjs')
    expect(first.output()).toContain('job 1\n')
    expect(await first.stop()).toBe(0)

    const second = await startDemo(folder)
    expect(second.output()).toContain('job 2\n')
    expect(new URL(second.site).hostname).toBe(new URL(first.site).hostname)
    expect(await second.stop()).toBe(0)
  }, 120_000)

  test.if(requires('chromium'))(
    'the site is whole in a browser, wide and narrow',
    async () => {
      const demo = await startDemo(folder)
      const { page, problems, close } = await openPage()
      try {
        await page.goto(demo.site)
        expect(await page.textContent('h1')).toBe('Sixteen shapes to find in the dark')
        expect(await page.locator('.card').count()).toBe(16)

        await page.setViewportSize({ width: 390, height: 844 })
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)

        await page.locator('a.card[href="/orion/"]').click()
        await page.waitForURL('**/orion/')
        expect(await page.textContent('h1')).toBe('Orion')
        expect(problems).toEqual([])
      } finally {
        await close()
        await demo.stop()
      }
    },
    120_000,
  )
})
