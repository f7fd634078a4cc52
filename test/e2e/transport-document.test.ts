import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { freePorts } from '../support/free-ports.ts'
import { startPreamp } from '../support/preamp.ts'
import { createPublishedSite } from '../support/published-site.ts'
import { findProgram, requires } from '../support/requires.ts'
import { waitFor } from '../support/wait-for.ts'

/** The examples of docs/transport.md do what it says, as they are written there. */

const folder = mkdtempSync(join(tmpdir(), 'preamp-transport-'))
afterAll(() => rmSync(folder, { recursive: true }))

const document = readFileSync(join(import.meta.dir, '../../docs/transport.md'), 'utf8')

/** The first block of a language that holds a text. */
function blockWith(language: string, text: string): string {
  const blocks = [...document.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))]
  return blocks.map(([, block]) => block!).find((block) => block.includes(text))!
}

describe.if(requires('openssl', 'curl'))('the certificate', () => {
  test('fits the site whose app it names, and the server has nothing to say of it', async () => {
    const [tlsPort] = freePorts(1) as [number]
    const dataDir = join(folder, 'data')
    const first = await startPreamp({ dataDir })
    const site = await createPublishedSite(first)
    await site.publish({ 'index.html': '<h1>Home</h1>' })
    await first.stop({ keepData: true })
    const [, command = ''] = /^(openssl [^]*?site\.crt)$/m.exec(blockWith('sh', 'openssl'))!
    const made = Bun.spawnSync(['bash', '-euc', `appId=${site.appId}\n${command}`], { cwd: folder })
    expect(made.exitCode).toBe(0)
    const preamp = await startPreamp({
      dataDir,
      environment: {
        PREAMP_TLS_CERT_FILE: join(folder, 'site.crt'),
        PREAMP_TLS_KEY_FILE: join(folder, 'site.key'),
        PREAMP_SITES_TLS_PORT: String(tlsPort),
        PREAMP_SITES_URL: `https://localhost:${tlsPort}`,
      },
    })
    try {
      expect(preamp.output()).not.toContain('no site has such a host')
      const visit = blockWith('sh', '--cacert').replace('4743', String(tlsPort))
      const asked = Bun.spawnSync(['bash', '-euc', `appId=${site.appId}\n${visit}`], { cwd: folder })
      expect(asked.stderr.toString() + asked.stdout.toString()).toContain('<h1>Home</h1>')
    } finally {
      await preamp.stop()
    }
  }, 60_000)
})

describe.if(requires('nginx'))('the nginx in front', () => {
  test('takes its configuration, and serves a site', async () => {
    const preamp = await startPreamp({ environment: { PREAMP_TRUSTED_PROXIES: '127.0.0.1' } })
    const site = await createPublishedSite(preamp)
    await site.publish({ 'index.html': '<h1>Home</h1>' })
    const [port] = freePorts(1) as [number]
    const block = blockWith('nginx', 'proxy_pass')
      .replace('listen 80;', `listen 127.0.0.1:${port};`)
      .replace('http://127.0.0.1:4780', preamp.sitesUrl.replace('localhost', '127.0.0.1'))
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join('\n')
    const file = join(folder, 'nginx.conf')
    const top = `daemon off;\npid ${folder}/nginx.pid;\nerror_log stderr;\nevents {}\n`
    writeFileSync(file, `${top}http {\naccess_log off;\n${temporary}\n${block}}\n`)
    const nginx = findProgram('nginx')!
    try {
      const checked = Bun.spawnSync([nginx, '-t', '-c', file])
      expect(checked.stderr.toString()).toContain('test is successful')
      const child = Bun.spawn([nginx, '-c', file], { stdout: 'ignore', stderr: 'ignore' })
      try {
        const visited = await waitFor('nginx to answer', 20, () =>
          fetch(`http://127.0.0.1:${port}/`, { headers: { host: site.host } }).catch(() => undefined),
        )
        expect(await visited.text()).toBe('<h1>Home</h1>')
      } finally {
        child.kill('SIGTERM')
        await child.exited
      }
    } finally {
      await preamp.stop()
    }
  }, 60_000)
})
