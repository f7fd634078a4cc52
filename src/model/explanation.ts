/** A visit that is to be explained: all that its answer depends on. */
export interface ExplainQuestion {
  /** `http:` or `https:`, as a browser normalises it, without a fragment. */
  url: string
  method: string
  /** ISO 3166-1 alpha-2 of where the visitor is, in upper case. */
  country: string | undefined
  /** The visitor's IP address. */
  address: string | undefined
  /** By name in lower case. */
  headers: Readonly<Record<string, string>>
}

/** Why a URL is answered as it is, in the order in which it is decided (contract/hosting-behaviour.md §5.4). */
export interface Explanation {
  method: string
  url: string
  /** Where the visitor is taken to be; absent where nothing tells. */
  country: string | undefined
  host: { name: string; kind: 'branch' | 'job' | 'custom-domain' }
  app: { appId: string; name: string }
  branchName: string
  /** Absent where the sites have no HTTPS address: nobody is sent there. */
  https: ExplainedHttps | undefined
  /** The one that answers. Absent while the branch has not been deployed. */
  deployment: ExplainedDeployment | undefined
  /** Why it is this one; absent where the branch has no skew protection. */
  skewProtection: ExplainedSkewProtection | undefined
  access: ExplainedAccess
  rules: ExplainedRule[]
  /** What is answered to who is not sent to HTTPS, and let in. */
  answer: ExplainedAnswer
  headers: ExplainedHeader[]
  /** What else a reader wants to know. */
  notes: string[]
}

export interface ExplainedHttps {
  /** By which the visitor is taken to come; absent where the server cannot know, and so sends nobody anywhere. */
  scheme: 'http' | 'https' | undefined
  /** What this visitor is answered before anything else is looked at; absent for who is sent nowhere. */
  redirect: { status: number; location: string } | undefined
  reason: string
}

export interface ExplainedSkewProtection {
  /** What the visit asks for, and how; absent where it asks for none. */
  asked: { deploymentId: string; by: 'header' | 'query' | 'cookie' } | undefined
  /** Whether the deployment that answers is not the live one. */
  isEarlier: boolean
  reason: string
}

export interface ExplainedDeployment {
  deploymentId: string
  /** Absent where the job was deleted. */
  jobId: string | undefined
  /** In epoch seconds, as times of the API are. */
  deployedAt: number
  files: number
  bytes: number
  /** Folder of the app in its repository; empty for its root. */
  appRoot: string
}

export interface ExplainedAccess {
  /** Whose password is asked for; absent where none is. */
  password: 'app' | 'branch' | undefined
  /** As they are written; empty for everybody. */
  allowedAddresses: string
  deniedAddresses: string
  maintenance: boolean
  /** What this visitor is answered instead of anything else; absent for who is let in. */
  refusal: { status: number; reason: string } | undefined
}

export interface ExplainedRule {
  /** From 1, as in the list that it is in. */
  number: number
  list: 'app' | 'customRules.json'
  source: string
  target: string
  status: string
  condition: string | undefined
  /** `ignored`: it never applies. `not-reached`: the answer was decided before. */
  result: 'matched' | 'skipped' | 'ignored' | 'not-reached'
  reason: string
  /** What its author may not have meant, whether it matches or not. */
  warnings: string[]
}

export interface ExplainedAnswer {
  /** Absent where it is the one of the server that a rule leads to. */
  status: number | undefined
  /** What is decided: `file`, `redirect`, `proxy`, or the kind of a refusal. */
  kind: string
  reason: string
  /** Of `file`: its path in the deployment. */
  file?: string
  bytes?: number
  /** Of `file`: the deployment that it is in, which need not be the one that answers (`PREAMP_PREVIOUS_ASSETS_MINUTES`). */
  deploymentId?: string
  /** Of `redirect`. */
  location?: string
  /** Of `proxy`: what is fetched. */
  target?: string
}

export interface ExplainedHeader {
  name: string
  value: string
  /** Preamp's default, the rule that decided, or the place that holds the custom header. */
  origin: 'default' | 'rule' | 'customHttp.yml' | 'app' | 'build-spec'
  /** Of the custom header. */
  pattern: string | undefined
}
