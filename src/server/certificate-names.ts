import { X509Certificate } from 'node:crypto'

import { parseSiteHost } from '../model/site-address.ts'

/**
 * What is wrong with the names of a certificate, which visitors' browsers would tell them one by one.
 * @param cert in PEM
 * @param suffix host name of the sites' address
 * @returns a sentence where no site can have one of its names; undefined where one can, by its own host or by a custom domain
 */
export function certificateNotice(cert: string, file: string, suffix: string): string | undefined {
  // Browsers have not looked at the common name for years (RFC 9110 §4.3.4 wants the alternative names).
  const names = (new X509Certificate(cert).subjectAltName ?? '')
    .split(', ')
    .flatMap((name) => /^DNS:(.+)$/.exec(name)?.[1] ?? [])
  if (names.some((name) => canBeSite(name, suffix))) return undefined
  const found = names.length === 0 ? 'has no names of hosts' : `is for ${names.join(', ')} alone`
  return `The certificate in ${file} ${found}, and no site has such a host: they are at <branch>.<app id>.${suffix}, and * stands for one label. Make one with *.<app id>.${suffix} for each app, as docs/transport.md shows.`
}

/** A wildcard is any label. */
const canBeSite = (name: string, suffix: string) =>
  parseSiteHost(name.replace(/^\*(?=\.)/, 'any'), suffix) !== undefined
