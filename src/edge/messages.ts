import type { SiteMetrics } from '../model/site-metrics.ts'

/** What an edge process needs to know. It comes over IPC: a database's address may hold a password, which argv would show. */
export interface EdgeSettings {
  host: string
  /** 0 for the first of several: it takes a free port and tells which. */
  port: number
  /** The second port, for HTTPS; null where TLS does not end here. */
  tls: TlsSettings | null
  /** Whether the port of plain HTTP takes HTTP/2 as well. */
  plainHttp2: boolean
  /** Port of the sites' address where that is one of HTTPS: visitors of plain HTTP are sent there. */
  httpsPort: number | null
  /** How long clients are answered with `Connection: close` before their connections end. */
  drainMilliseconds: number
  databaseUrl: string
  blobsFolder: string
  /** Host name of the sites' address. */
  siteSuffix: string
  /** Its port, empty for the usual one of its scheme; null where that is the one that is listened on. */
  sitesPort: string | null
  memoryBytes: number
  /** By which it compares credentials, in base64url (`model/credentials-verifier.ts`). */
  credentialsKey: string
  /** Whether rules may fetch from private and loopback addresses, and from `http://` ones. */
  privateAllowed: boolean
  plainProxies: boolean
  /** How long assets of a deployment are served after another one took its place. */
  replacedMilliseconds: number
  /** Proxies in front, whose word on who asks is taken: networks in CIDR form. */
  trustedProxies: string[]
  /** Name of the header in which they tell the visitor's country. */
  countryHeader: string | null
  /** File of countries by address, in MaxMind's format. */
  countryFile: string | null
  /** Null where visits are not logged. */
  accessLog: AccessLogSettings | null
  logLevel: string
}

export interface TlsSettings {
  port: number
  http2: boolean
  certFile: string
  keyFile: string
}

export interface AccessLogSettings {
  folder: string
  /** Whether the log holds cookies, which may be credentials, and addresses of visitors. */
  cookies: boolean
  addresses: boolean
}

/** From control to edge. */
export type ControlMessage =
  | { type: 'start'; settings: EdgeSettings; edgesFile: string }
  /** Answered by `refreshed` once every new request sees what the database holds. */
  | { type: 'refresh'; id: number }
  /** Answered by `access-log-written` once all that was answered before is in the files. */
  | { type: 'write-access-log'; id: number }
  /** Answered by `metrics`: what the edge has counted since the last time. */
  | { type: 'take-metrics'; id: number }

/** From edge to control. */
export type EdgeMessage =
  | { type: 'listening'; port: number }
  | { type: 'refreshed' | 'access-log-written'; id: number }
  | { type: 'metrics'; id: number; sites: SiteMetrics[] }
  | { type: 'failed'; message: string; portInUse: boolean }

/** Where other edges take over: long enough for every client at work to get an answer that says `Connection: close`. */
export const handOverMillisecondsMin = 500
