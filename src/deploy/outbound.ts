import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'

import { addressClass } from '../model/addresses.ts'
import { codeOf } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'
import { isOwnAddress } from './own-addresses.ts'
import { resolveHost } from './resolve-host.ts'
import { TookTooLong, untilAborted } from './until-aborted.ts'

/** A request for a user that was refused or failed. The message is for the user: it holds neither query nor credentials. */
export class OutboundError extends Error {}

export interface HostOptions {
  /** Whether private and loopback addresses may be reached (`PREAMP_PRIVATE_SOURCES`). */
  privateAllowed: boolean
  /** Addresses of a name, none when it is unknown. {@link resolveHost} unless given. */
  resolve?: (name: string) => Promise<string[]>
}

export interface OutboundOptions extends HostOptions {
  /** Longest body, in bytes. */
  bytesMax: number
  /** From the first byte sent to the last received, redirects included. */
  secondsMax?: number
  idleSecondsMax?: number
  signal?: AbortSignal
}

export interface OutboundResponse {
  status: number
  /** Where the answer came from, after redirects. */
  url: URL
  contentLength: number | undefined
  /** To be read to its end or left by `return`, which closes the connection. Throws {@link OutboundError} at a limit. */
  body: AsyncGenerator<Uint8Array, void>
}

/**
 * Resolves a host that a user named and checks where it leads; one refused address refuses the host.
 * @param host a name or an IP address in any spelling, an IPv6 one with or without brackets
 * @returns the checked addresses, at least one: connect to these and not to the name, which may resolve anew
 * @throws {OutboundError}
 */
export async function checkHost(host: string, options: HostOptions): Promise<string[]> {
  const name = canonicalHost(host)
  const addresses = isIP(name) ? [name] : await addressesOf(name, options)
  if (addresses.length === 0) {
    throw new OutboundError(`The host ${name} cannot be found. Check its spelling and the server's DNS`)
  }
  for (const address of addresses) {
    const kind = addressClass(address)
    if (kind === 'forbidden') {
      throw new OutboundError(
        `${host} leads to a link-local, metadata, multicast or unspecified address, which is never contacted`,
      )
    }
    if (options.privateAllowed) continue
    if (kind === 'private') {
      throw new OutboundError(
        `${host} leads to a private address. The operator of this server can allow them with PREAMP_PRIVATE_SOURCES=true`,
      )
    }
    // What listens on all addresses, behind a firewall or not, takes who comes from here for one of its own.
    if (isOwnAddress(address)) {
      throw new OutboundError(
        `${host} leads to this server itself. Its operator can allow that with PREAMP_PRIVATE_SOURCES=true`,
      )
    }
  }
  return addresses
}

/**
 * GETs a URL that a user named. Only http and https; every host, that of a redirect too, is checked by
 * {@link checkHost}, and the checked address is the one connected to. Proxy variables of the server are not used, as a
 * proxy would resolve the name anew. User and password in the URL are sent to its own origin only.
 * @throws {OutboundError}
 */
export async function fetchOutbound(url: string, options: OutboundOptions): Promise<OutboundResponse> {
  const deadline = AbortSignal.timeout((options.secondsMax ?? limits.outboundSecondsMax) * 1000)
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline
  let current = parseHttpUrl(url)
  for (let redirects = 0; ; redirects++) {
    const message = await send(current, 'GET', options, signal)
    const status = message.statusCode ?? 0
    const location = message.headers.location
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
      const contentLength = readContentLength(message)
      if (contentLength !== undefined && contentLength > options.bytesMax) {
        message.destroy()
        throw tooLong(current, options.bytesMax)
      }
      return { status, url: current, contentLength, body: readBody(message, current, options, signal) }
    }
    message.destroy()
    if (redirects === limits.outboundRedirectsMax) {
      throw new OutboundError(
        `${shown(parseHttpUrl(url))} redirects more than ${limits.outboundRedirectsMax} times`,
      )
    }
    current = parseHttpUrl(location, current)
  }
}

export interface PostOptions extends HostOptions {
  body: string
  headers: Record<string, string>
  /** From the first byte sent to the answer's headers. */
  secondsMax: number
  signal: AbortSignal
}

/**
 * POSTs to a URL that a user named, under the rules of {@link fetchOutbound}. A redirect is not followed: it would send the
 * body to whom nobody named.
 * @returns the status of the answer, whose body is not read
 * @throws {OutboundError}
 */
export async function postOutbound(url: string, options: PostOptions): Promise<number> {
  const { secondsMax } = options
  const signal = AbortSignal.any([AbortSignal.timeout(secondsMax * 1000), options.signal])
  const message = await send(parseHttpUrl(url), 'POST', { ...options, idleSecondsMax: secondsMax }, signal)
  message.destroy()
  return message.statusCode ?? 0
}

/** The URL without what may be secret in it: user, password, query and fragment. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

function canonicalHost(host: string): string {
  const bracketed = isIP(host) === 6 ? `[${host}]` : host
  // The URL parser turns every spelling of an IPv4 address (decimal, octal, hexadecimal, short) into the usual one.
  const parsed = URL.canParse(`http://${bracketed}/`) ? new URL(`http://${bracketed}/`) : undefined
  if (!parsed || host === '' || /[/?#@\\\s]/.test(host) || parsed.port !== '') {
    throw new OutboundError(`${JSON.stringify(host)} is not a host name`)
  }
  return parsed.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}

async function addressesOf(name: string, { resolve = resolveHost }: HostOptions): Promise<string[]> {
  try {
    return await resolve(name)
  } catch (error) {
    if (error instanceof TookTooLong) throw silent(name)
    throw error
  }
}

function silent(name: string): OutboundError {
  return new OutboundError(`The host ${name} cannot be found: DNS is silent`)
}

function parseHttpUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : undefined
  if (!url)
    throw new OutboundError(base ? `${shown(base)} redirects to what is not a URL` : 'The URL cannot be read')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new OutboundError(`${shown(url)} is neither http nor https`)
  }
  // A relative redirect stays at its origin, and so do the credentials; any other URL brings its own or none.
  if (base && url.origin === base.origin && url.username === '' && url.password === '') {
    url.username = base.username
    url.password = base.password
  }
  return url
}

interface SendOptions extends HostOptions {
  body?: string
  headers?: Record<string, string>
  secondsMax?: number
  idleSecondsMax?: number
  signal?: AbortSignal
}

async function send(
  url: URL,
  method: 'GET' | 'POST',
  options: SendOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const addresses = await findAddresses(url, options, signal)
  const { promise, resolve: answered, reject } = Promise.withResolvers<IncomingMessage>()
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)({
    method,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.port !== '' && { port: url.port }),
    path: url.pathname + url.search,
    headers: {
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': 'preamp',
      ...authorization(url),
      ...options.headers,
    },
    lookup: pinnedLookup(addresses),
    agent: false,
    signal,
  })
  const timer = setTimeout(() => {
    request.destroy(new Error('no answer'))
    reject(new OutboundError(`${url.host} does not answer`))
  }, idleMilliseconds(options))
  request.once('response', answered)
  request.once('error', (error) => reject(describeFailure(error, url, options)))
  request.end(options.body)
  return promise.finally(() => clearTimeout(timer))
}

/** A look-up that is not waited for any longer ends by itself. */
async function findAddresses(url: URL, options: SendOptions, signal: AbortSignal): Promise<string[]> {
  const secondsMax = options.idleSecondsMax ?? limits.outboundIdleSecondsMax
  try {
    return await untilAborted(checkHost(url.hostname, options), { signal, secondsMax })
  } catch (error) {
    if (error instanceof TookTooLong) throw silent(url.hostname)
    throw describeFailure(error, url, options, signal)
  }
}

/** Answers every look-up with the addresses that were checked, so that a name cannot lead elsewhere the second time. */
function pinnedLookup(addresses: string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_hostname, { all }, callback) => {
    if (all) callback(null, found)
    else callback(null, found[0]!.address, found[0]!.family)
  }
}

async function* readBody(
  message: IncomingMessage,
  url: URL,
  options: OutboundOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0
  let idle = false
  const timer = setTimeout(() => {
    idle = true
    message.destroy(new Error('idle'))
  }, idleMilliseconds(options))
  const abort = () => message.destroy(new Error('aborted'))
  signal.addEventListener('abort', abort)
  try {
    for await (const chunk of message as AsyncIterable<Uint8Array>) {
      timer.refresh()
      bytes += chunk.byteLength
      if (bytes > options.bytesMax) throw tooLong(url, options.bytesMax)
      yield chunk
    }
    const announced = readContentLength(message)
    if (announced !== undefined && bytes < announced) throw new Error('ended early')
  } catch (error) {
    if (idle) throw new OutboundError(`${url.host} stopped sending`)
    throw describeFailure(error, url, options, signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    message.destroy()
  }
}

function describeFailure(error: unknown, url: URL, options: SendOptions, signal?: AbortSignal): unknown {
  if (options.signal?.aborted) return options.signal.reason
  if (error instanceof OutboundError) return error
  if (signal?.aborted || (error instanceof Error && /Abort|Timeout/.test(error.name))) {
    const seconds = options.secondsMax ?? limits.outboundSecondsMax
    return new OutboundError(`${shown(url)} was not received within ${seconds} seconds`)
  }
  const code = codeOf(error)
  return new OutboundError(
    `${shown(url)} cannot be fetched: the connection failed${code === undefined ? '' : ` (${code})`}`,
  )
}

function readContentLength(message: IncomingMessage): number | undefined {
  const header = message.headers['content-length']
  return header !== undefined && /^[0-9]+$/.test(header) ? Number(header) : undefined
}

function authorization(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {}
  const credentials = `${decoded(url.username)}:${decoded(url.password)}`
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A lone `%` stands for itself, as browsers have it.
    return text
  }
}

function idleMilliseconds(options: SendOptions): number {
  return (options.idleSecondsMax ?? limits.outboundIdleSecondsMax) * 1000
}

function tooLong(url: URL, bytesMax: number): OutboundError {
  return new OutboundError(`${shown(url)} is longer than ${bytesMax} bytes`)
}
