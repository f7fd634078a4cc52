import { Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'

import { codeOf, hasCode } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'
import { TookTooLong } from './until-aborted.ts'

/**
 * Addresses of a name by the machine's /etc/hosts and its DNS servers, IPv4 first, none where it is unknown. Not by getaddrinfo: Bun
 * calls that in the few threads that read files as well, where each name that nobody answers for holds one for half a minute.
 * `Bun.dns.lookup` does so for `.local` and `.localhost`, and keeps the servers that were in resolv.conf when it was first called.
 * @throws {TookTooLong}
 */
export async function resolveHost(name: string): Promise<string[]> {
  const listed = addressesIn(await textOf('/etc/hosts'), name)
  if (listed.length > 0) return listed
  // RFC 6761 §6.3: these are this machine, and not for a DNS server to say.
  if (/(^|\.)localhost$/.test(name)) return ['127.0.0.1', '::1']
  const names = searchedNames(await textOf('/etc/resolv.conf'), name)
  const secondsMax = limits.hostLookUpSecondsMax
  const resolver = new Resolver({ timeout: (secondsMax * 1000) / 2, tries: 2 })
  const { promise: late, reject } = Promise.withResolvers<never>()
  // Its own time-outs were seen to be seconds late.
  const timer = setTimeout(() => {
    reject(new TookTooLong())
    resolver.cancel()
  }, secondsMax * 1000)
  try {
    return await Promise.race([firstFound(resolver, names), late])
  } finally {
    clearTimeout(timer)
  }
}

async function firstFound(resolver: Resolver, names: string[]): Promise<string[]> {
  for (const name of names) {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const found = answers.flatMap((answer) => {
      if (answer.status === 'fulfilled') return answer.value
      if (codeOf(answer.reason) === undefined) throw answer.reason
      return []
    })
    if (found.length > 0) return found.slice(0, limits.dnsAddressesMax)
  }
  return []
}

/** hosts(5): an address, and names that are told apart without regard to case. */
function addressesIn(hosts: string, name: string): string[] {
  return hosts.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/)
    return names.includes(name) ? [address] : []
  })
}

/** The names that one may stand for, by `search` and `ndots` of resolv.conf(5), in the order in which they are asked for. */
function searchedNames(resolvConf: string, name: string): string[] {
  const [, searched = ''] = [...resolvConf.matchAll(/^(?:search|domain)[ \t]+(.*)$/gm)].at(-1) ?? []
  const [, ndots = '1'] = /^options\b.*\bndots:([0-9]+)/m.exec(resolvConf) ?? []
  const longer = searched
    .split(/\s+/)
    .filter((suffix) => /[^.]/.test(suffix))
    .map((suffix) => `${name}.${suffix}`)
  const hasDots = name.split('.').length - 1 >= Number(ndots)
  return hasDots ? [name, ...longer] : [...longer, name]
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
}
