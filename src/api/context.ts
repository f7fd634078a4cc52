import type { Blobs } from '../blobs/blobs.ts'
import type { Scope } from '../model/arn.ts'
import type { DomainRecords } from '../model/domain-records.ts'
import type { ExplainQuestion, Explanation } from '../model/explanation.ts'
import type { StepName } from '../model/jobs.ts'
import type { Quotas } from '../model/quotas.ts'
import type { SiteMetrics } from '../model/site-metrics.ts'
import type { Database } from '../store/database.ts'
import type { SecretBox } from '../store/secret-box.ts'
import type { TransferUrls } from './transfer-urls.ts'

/** Who calls: the account of the key, the region of the credential scope. Everything a handler looks up is scoped by it. */
export interface Caller extends Scope {
  accessKeyId: string
  userName: string
}

/** What handlers work with, made once by the composition root. */
export interface Services {
  database: Database
  blobs: Blobs
  secrets: SecretBox
  /** By which the edges' knowledge of credentials is made (`model/credentials-verifier.ts`). */
  credentialsKey: Uint8Array
  transferUrls: TransferUrls
  /** The host (with its port, if it is part of the address) under which the app's branches are served. */
  defaultDomain(appId: string): string
  /** Address of what is served under a label below it, without a slash at its end. */
  siteUrl(appId: string, label: string): string
  /** Whether rules may fetch from `http://` addresses. */
  plainProxies: boolean
  /** The DNS records that domain associations ask for. */
  domainRecords: DomainRecords
  /** Tells who looks at the DNS that a domain is to be looked at. */
  domainsChanged(): void
  /** Tells the worker to look at the jobs: one was added, or one is to be stopped. */
  jobsChanged(): void
  /** Resolves when every live edge shows what the database holds now, or after a bound. */
  sitesChanged(): Promise<void>
  /** The file that holds the log of a step at work; it need not exist, and is gone after the step. */
  liveLogPath(jobKey: string, step: StepName): string
  /** Why no upload can be taken now, for a user to read; undefined while the disk has room. */
  diskShortage(): Promise<string | undefined>
  /** What is short on the disk for jobs to begin, which is so earlier; undefined while there is room. */
  buildShortage(): Promise<string | undefined>
  accessLogs: {
    /** Whether visits are logged at all. */
    isOn: boolean
    folder: string
    /** Resolves when what the edges have answered until now is in the files, or after a bound. */
    written(): Promise<void>
  }
  sites: {
    /** The app and the branch that a host shows; undefined for one that is nobody's. */
    find(host: string): Promise<{ appId: string; branchName: string } | undefined>
    /** Why a URL is answered as it is; undefined where its host is nobody's. */
    explain(question: ExplainQuestion): Promise<Explanation | undefined>
  }
  metrics: {
    /** What whoever reads the metrics must bring; undefined where nobody may. */
    token: string | undefined
    /** What the edges of this server have counted, and how many of them are at work. */
    read(): Promise<{ sites: SiteMetrics[]; processes: number }>
  }
  notifications: {
    /** Whether this server can send e-mail. */
    sendsMail: boolean
    /** Tells who delivers notifications that there is one. */
    wake(): void
  }
  /** How much an account may have of each thing. */
  quotas: Quotas
  /** Whether repositories may be named by `file://` URLs or paths. */
  fileRepositories: boolean
  /** Epoch milliseconds. */
  now(): number
}

export interface OperationContext {
  caller: Caller
  requestId: string
  /** Address of the API as this client sees it, without a slash at its end. */
  apiUrl: string
  services: Services
}
