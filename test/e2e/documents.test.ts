import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { requires } from '../support/requires.ts'

/** The commands of the documents do what these say, as they are written there. */

const root = join(import.meta.dir, '../..')

describe.if(requires('aws', 'git', 'curl'))('the commands of', () => {
  let preamp: TestPreamp
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'preamp-walk-'))
    preamp = await startPreamp({ dataDir: join(folder, '.preamp') })
  })
  afterAll(async () => {
    await preamp?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('docs/getting-started.md', async () => {
    const parts = await walk('docs/getting-started.md')
    expect(parts[2]).toContain('"apps": []')
    expect(parts[4]).toContain('"branchName": "main"')
    expect(parts[5]).toContain('"status": "SUCCEED"')
    expect(parts[5]).toContain('# Executing command: bash build.sh')
    expect(parts[6]).toContain('200 OK')
    expect(parts[6]).toContain('<h1>Hello from job 0000000001</h1>')
    expect(parts[7]).toContain('<h1>Hello from job 0000000002</h1>\n<p>Now with a second line</p>')
    expect(parts[8]).toContain('[\n    "2"\n]')
    expect(parts[8]).toContain('NotFoundException')
    expect(parts[8]).toContain('Job 1 is gone.')
    expect(parts[9]).toMatch(/http:\/\/main\.d[a-z0-9]+\.localhost:\d+/)
    expect(parts[10]).toContain('"name": "hello"')
  }, 120_000)

  test('docs/delete-job.md', async () => {
    const parts = await walk('docs/delete-job.md')
    expect(parts[2]).toMatch(/"jobArn": "arn:aws:amplify:.*\/branches\/main\/jobs\/0000000001"/)
    expect(parts[2]).toContain('"status": "SUCCEED"')
    expect(parts[3]).toMatch(/^2$/m)
    expect(parts[3]).toContain('NotFoundException')
    expect(parts[3]).toContain('Job 1 is gone.')
    expect(parts[4]).toMatch(/"SUCCEED"\n<h1>Two<\/h1>\n\[\n +"",\n +"0"\n\]/)
    expect(parts[4]).toMatch(/<h1>Three<\/h1>\n3\n/)
    expect(parts[5]).toMatch(/BadRequestException.* Stop it with StopJob first\.\nIt is at work\./)
    expect(parts[5]).toMatch(/"CANCELLING"\n"CANCELLED"/)
    expect(parts[6]).toMatch(/BadRequestException[^]*The branch is busy\.\n"CREATED"\n"5"/)
  }, 120_000)

  test('docs/access.md', async () => {
    const parts = await walk('docs/access.md')
    expect(parts[1]).toMatch(/^AKIA[A-Z2-7]{16} +\d{12} +ci +deploy-only d[a-z0-9]+ +enabled /m)
    expect(parts[1]).toMatch(/^http:\/\/main\.d[a-z0-9]+\.localhost:\d+$/m)
    expect(parts[1]).toMatch(
      /AccessDeniedException.*user\/ci is not authorized to perform: amplify:DeleteApp on resource: arn:[^]*That is not allowed\./,
    )
    expect(parts[2]).toMatch(/^"web"$/m)
    expect(parts[2]).toMatch(/AccessDeniedException.*amplify:GetApp[^]*That one is not tagged\./)
    expect(parts[2]).toMatch(/AccessDeniedException.*amplify:CreateApp[^]*That tag is not ours\./)
    expect(parts[3]).toContain('"shop"')
  }, 120_000)

  test('docs/secrets.md', async () => {
    const parts = await walk('docs/secrets.md')
    expect(parts[2]).toMatch(/^API_TOKEN +\(all\) [^]*^API_TOKEN +main /m)
    expect(parts[3]).toContain('[INFO]: The token is ******\n')
    expect(parts[3]).toContain('[INFO]: This is build 1 of the branch.\n')
    expect(parts[4]).toContain('[INFO]: This is build 11 of the branch.\n')
    expect(parts[3]).not.toContain('token-for')
  }, 120_000)

  test('docs/serving.md', async () => {
    const parts = await walk('docs/serving.md')
    expect(parts[1]).toContain('<h1>Wren</h1>')
    expect(parts[2]).toMatch(/^3\n301 http:\/\/main\..*\/wren\?x=1\n<h1>Wren<\/h1>\n<h1>Lost<\/h1>\n404$/m)
    expect(parts[2]).toMatch(/BadRequestException[^]* leads to itself: [^]*That is a circle\./)
    expect(parts[3]).toMatch(/^cache-control: public, max-age=31536000, immutable\r$/im)
    expect(parts[3]).toMatch(/^x-frame-options: DENY\r$/im)
    expect(parts[4]).toMatch(/true\n401\n<h1>Birds<\/h1>\nfalse\n503\n/)
    expect(parts[5]).toMatch(/^trailingSlash +always$/m)
    expect(parts[5]).toMatch(/^301 http:\/\/main\..*\/wren\/$/m)
    expect(parts[6]).toMatch(/true\n[^]*^one\n[^]*^two\n/m)
    expect(parts[7]).toMatch(/^let song = 1\n("SUCCEED"\n){3}404$/m)
    expect(parts[8]).toMatch(/^4 \(live\) .* http:\/\/main--4\..*\n<h1>Wren<\/h1>\n404$/m)
  }, 120_000)

  /** Runs what stands in a document's `sh` blocks, and gives the output of each numbered section. */
  async function walk(path: string): Promise<Record<number, string>> {
    const document = readFileSync(join(root, path), 'utf8')
    const sections = [...document.matchAll(/^## (\d+)\. [^]*?(?=^## |$(?![^]))/gm)]
    const script = sections.flatMap(([section, number]) => [
      `echo "=== ${number}"`,
      ...[...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, commands = '']) => commands),
    ])
    // The server of this test has ports of its own; nothing else is changed.
    const commands = script.join('\n').replaceAll('http://localhost:4700', preamp.apiUrl)
    const output = await runInBash(commands)
    return Object.fromEntries(
      output
        .split(/^=== /m)
        .slice(1)
        .map((part) => [Number.parseInt(part, 10), part]),
    )
  }

  async function runInBash(commands: string): Promise<string> {
    const child = Bun.spawn(['bash', '-euo', 'pipefail', '-c', `exec 2>&1\n${commands}`], {
      cwd: folder,
      stdin: 'ignore',
      stdout: 'pipe',
      env: {
        // `npx preamp` finds Preamp from any folder of the repository; this one is elsewhere.
        PATH: `${shimFolder(folder)}:${process.env['PATH']}`,
        HOME: folder,
        LANG: 'C.UTF-8',
      },
    })
    const output = await child.stdout.text()
    const exitCode = await child.exited
    if (exitCode !== 0) throw new Error(`The walk ended with ${exitCode}:\n${output}`)
    return output
  }
})

/** A folder with an `npx` that runs this repository's own `preamp`. */
function shimFolder(folder: string): string {
  const shims = join(folder, 'shims')
  const script = `#!/bin/sh\nshift\nexec node '${join(root, 'bin/preamp.mjs')}' "$@"\n`
  mkdirSync(shims, { recursive: true })
  writeFileSync(join(shims, 'npx'), script, { mode: 0o755 })
  return shims
}
