/** Statuses of a domain association (contract/api-behaviour.md §6). */
export const domainStatuses = [
  'CREATING',
  'REQUESTING_CERTIFICATE',
  'PENDING_VERIFICATION',
  'IMPORTING_CUSTOM_CERTIFICATE',
  'IN_PROGRESS',
  'PENDING_DEPLOYMENT',
  'AWAITING_APP_CNAME',
  'AVAILABLE',
  'UPDATING',
  'FAILED',
] as const
export type DomainStatus = (typeof domainStatuses)[number]

export type DomainUpdateStatus =
  | 'REQUESTING_CERTIFICATE'
  | 'PENDING_VERIFICATION'
  | 'IMPORTING_CUSTOM_CERTIFICATE'
  | 'PENDING_DEPLOYMENT'
  | 'AWAITING_APP_CNAME'
  | 'UPDATE_COMPLETE'
  | 'UPDATE_FAILED'

/** What a client may set on a domain association besides its sub-domains, and gets back as it was sent. */
export interface DomainSettings {
  enableAutoSubDomain: boolean
  autoSubDomainCreationPatterns?: string[]
  autoSubDomainIAMRole?: string
  certificateSettings?: { type: 'AMPLIFY_MANAGED' | 'CUSTOM'; customCertificateArn?: string }
}

/** One look at the DNS: what a record should be, and what was there. */
export interface DomainCheck {
  /** `ownership`, or the prefix of a sub-domain. */
  of: { kind: 'ownership' } | { kind: 'sub-domain'; prefix: string }
  /** The record as one types it: name, type, value. */
  expected: string
  /** What the resolver answered, or why it did not. */
  seen: string
  passed: boolean
  /** False when the DNS said nothing: what was known before still holds. */
  answered: boolean
}

/** Which branches get a sub-domain by themselves unless a client says otherwise (contract/hosting-behaviour.md §4.4). */
export const autoSubDomainPatternsDefault = ['*', 'pr*']

/** The patterns in effect: none while sub-domains are not made by themselves. */
export function autoSubDomainPatterns(settings: DomainSettings): string[] {
  if (!settings.enableAutoSubDomain) return []
  return settings.autoSubDomainCreationPatterns ?? autoSubDomainPatternsDefault
}
