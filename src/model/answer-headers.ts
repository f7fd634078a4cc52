import { canonicalName, isWithin } from './domain-names.ts'

/**
 * By these an answer commands the proxy in front: nginx (a file or an internal location in its place, no buffering), Apache and
 * lighttpd (a file), LiteSpeed, Perlbal, Envoy (which takes a server out for one of them), Akamai and what speaks
 * Edge Architecture. They are the operator's to say, not those of a site. Headers for caches of the site's own answers
 * (`CDN-Cache-Control`, RFC 9213) and for its own host (`Alt-Svc`, RFC 7838) are not among them.
 */
const commands =
  /^(?:x-(?:accel|lighttpd|litespeed|reproxy|envoy)-.+|x-sendfile(?:-.+)?|surrogate-.+|edge-control)$/i

/** Whether a header of an answer is for a proxy in front, which would obey it. */
export function commandsProxy(name: string): boolean {
  return commands.test(name)
}

/**
 * A cookie for the host that sets it, where its Domain is the sites' host or one above it: it would go to the sites of others as
 * well, and take the place of theirs. The attribute is left out (RFC 6265 §5.2.3 and §5.3).
 * @param siteSuffix host name of the sites' address
 */
export function ownCookie(cookie: string, siteSuffix: string): string {
  if (!/;\s*domain\s*=/i.test(cookie)) return cookie
  const [pair, ...attributes] = cookie.split(';')
  const kept = attributes.filter((attribute) => {
    const [name, ...value] = attribute.split('=')
    return name!.trim().toLowerCase() !== 'domain' || isForOne(value.join('=').trim(), siteSuffix)
  })
  return [pair, ...kept].join(';')
}

/** Whether a domain holds no more than one app. Browsers write what is not plain in a form of their own. */
function isForOne(domain: string, siteSuffix: string): boolean {
  if (!/^[a-z0-9._:[\]-]*$/i.test(domain)) return false
  return !isWithin(canonicalName(siteSuffix), canonicalName(domain.replace(/^\./, '')))
}
