import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ListAppsCommand, ListJobsCommand } from '@aws-sdk/client-amplify'

import { startPreamp, type TestPreamp } from '../support/preamp.ts'

const main = join(import.meta.dir, '../../src/main.ts')

describe('preamp deploy', () => {
  let preamp: TestPreamp
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'preamp-deploy-test-'))
    mkdirSync(join(folder, 'garden/birds'), { recursive: true })
    for (const name of ['index.html', 'birds/robin.html', 'birds/wren.html']) write(name, `first ${name}`)
    preamp = await startPreamp()
  })
  afterAll(async () => {
    await preamp?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  function write(name: string, text: string): void {
    writeFileSync(join(folder, 'garden', name), text)
  }

  async function deploy(...parameters: string[]) {
    const command = [process.execPath, main, 'deploy', ...parameters, '--data-dir', preamp.dataDir]
    const child = Bun.spawn(command, {
      cwd: folder,
      env: { PATH: process.env['PATH'] },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()])
    return { output, errors, exitCode: await child.exited }
  }

  async function read(site: string, path: string): Promise<string> {
    const headers = { host: new URL(site).host }
    return await (await fetch(`${preamp.sitesUrl}${path}`, { headers })).text()
  }

  test('makes app and branch, publishes the folder, then sends only what changed', async () => {
    const first = await deploy('garden')
    expect(first.errors).toContain('Created app garden')
    expect(first.errors).toContain('3 of 3 files sent')
    expect(first.exitCode).toBe(0)
    const site = first.output.trim()
    expect(site).toMatch(/^http:\/\/main\.d[a-z0-9]+\.localhost:\d+$/)
    expect(await read(site, '/')).toBe('first index.html')

    write('birds/wren.html', 'second wren')
    const second = await deploy('garden')
    expect(second.errors).toContain('1 of 3 files sent')
    expect(second.output.trim()).toBe(site)
    expect(await read(site, '/birds/wren.html')).toBe('second wren')
    expect(await read(site, '/birds/robin.html')).toBe('first birds/robin.html')

    const third = await deploy('garden')
    expect(third.errors).toContain('0 of 3 files sent')
    const { apps } = await preamp.client.send(new ListAppsCommand({}))
    expect(apps).toHaveLength(1)
    const appId = apps![0]!.appId!
    const { jobSummaries } = await preamp.client.send(new ListJobsCommand({ appId, branchName: 'main' }))
    expect(jobSummaries?.map(({ status }) => status)).toEqual(['SUCCEED', 'SUCCEED', 'SUCCEED'])
  }, 60_000)

  test('a name longer than a fileMap takes goes as a zip', async () => {
    const deep = `${'a'.repeat(100)}/${'b'.repeat(100)}/${'c'.repeat(100)}`
    mkdirSync(join(folder, 'deep', deep), { recursive: true })
    writeFileSync(join(folder, 'deep', deep, 'page.html'), 'deep page')
    const { output, errors } = await deploy('deep')
    expect(errors).toContain('There is no index.html')
    expect(await read(output.trim(), `/${deep}/page.html`)).toBe('deep page')
  }, 60_000)

  test('says what is wrong in one line', async () => {
    expect(await deploy('nowhere')).toMatchObject({
      exitCode: 2,
      errors: expect.stringMatching(/nowhere is not a folder.*\n$/),
    })
    const unknown = await deploy('garden', '--app-id', 'd0000000000000')
    expect(unknown).toMatchObject({ exitCode: 2, errors: expect.stringMatching(/^NotFoundException: .*\n$/) })
    const elsewhere = await deploy('garden', '--api-url', 'http://127.0.0.1:1')
    expect(elsewhere).toMatchObject({ exitCode: 2, errors: expect.stringContaining('No server answers at') })
  }, 60_000)
})
