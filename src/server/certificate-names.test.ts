import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { requires } from '../../test/support/requires.ts'
import { certificateNotice } from './certificate-names.ts'

const folder = mkdtempSync(join(tmpdir(), 'preamp-certificate-names-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A certificate with these alternative names; none where they are empty. */
function certificateFor(names: string): string {
  const [cert, key] = [join(folder, 'site.crt'), join(folder, 'site.key')]
  const alternatives = names === '' ? [] : ['-addext', `subjectAltName=${names}`]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const subject = ['-days', '1', '-subj', '/CN=main.d1.localhost', '-keyout', key, '-out', cert]
  const { exitCode, stderr } = Bun.spawnSync(['openssl', ...request, ...subject, ...alternatives])
  if (exitCode !== 0) throw new Error(stderr.toString())
  return readFileSync(cert, 'utf8')
}

describe.if(requires('openssl'))('a certificate for', () => {
  test.each([
    ['DNS:*.d1abc.localhost', 'localhost'],
    ['DNS:localhost,DNS:main.d1abc.localhost', 'localhost'],
    ['DNS:www.example.com', 'localhost'],
    ['DNS:*.example.com,IP:127.0.0.1', 'localhost'],
    ['DNS:*.D1ABC.Sites.Example.com', 'sites.example.com'],
  ])('%s can be one of the sites below %s', (names, suffix) => {
    expect(certificateNotice(certificateFor(names), 'site.crt', suffix)).toBeUndefined()
  })

  test.each([
    ['DNS:localhost,DNS:*.localhost', 'localhost', 'is for localhost, *.localhost alone'],
    ['DNS:*.sites.example.com', 'sites.example.com', 'is for *.sites.example.com alone'],
    ['DNS:a.b.d1abc.localhost', 'localhost', 'is for a.b.d1abc.localhost alone'],
    ['IP:127.0.0.1', 'localhost', 'has no names of hosts'],
    ['', 'localhost', 'has no names of hosts'],
  ])('%s can be none of those below %s', (names, suffix, found) => {
    expect(certificateNotice(certificateFor(names), 'site.crt', suffix)).toBe(
      `The certificate in site.crt ${found}, and no site has such a host: they are at <branch>.<app id>.${suffix}, and * stands for one label. Make one with *.<app id>.${suffix} for each app, as docs/transport.md shows.`,
    )
  })
})
