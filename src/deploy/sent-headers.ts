import { commandsProxy, ownCookie } from '../model/answer-headers.ts'
import type { CustomHeaders } from '../model/manifest.ts'
import { quoted } from './site-path.ts'

type Header = CustomHeaders['headers'][number]

/**
 * Custom headers as they are sent: the proxy in front and the sites of others are nobody's to command. They are kept as they were
 * written, as on AWS, where they do no harm.
 * @returns with them what is left out, as sentences
 */
export function sentHeaders(
  written: readonly CustomHeaders[],
  siteSuffix: string,
): { sent: CustomHeaders[]; leftOut: string[] } {
  const leftOut = new Set<string>()
  const sentOf = (header: Header): Header[] => {
    const { key, value } = header
    if (commandsProxy(key)) {
      leftOut.add(`The custom header ${quoted(key)} is not sent: it commands the proxy in front.`)
      return []
    }
    if (key.toLowerCase() !== 'set-cookie') return [header]
    const cookie = ownCookie(value, siteSuffix)
    if (cookie === value) return [header]
    leftOut.add(`The Domain of a custom header ${quoted(key)} is not sent: other sites would get the cookie.`)
    return [{ key, value: cookie }]
  }
  const sent = written.map((entry) => ({ ...entry, headers: entry.headers.flatMap(sentOf) }))
  return { sent, leftOut: [...leftOut] }
}
