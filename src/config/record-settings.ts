import { z } from 'zod'

import { setting } from './setting.ts'
import { flag } from './value-schemas.ts'

/** What is kept of what has been, how long, and who may read it. */
export const recordSettings = {
  blobGraceMinutes: setting(
    'PREAMP_BLOB_GRACE_MINUTES',
    z.coerce.number().min(10).default(60),
    '60',
    'How long bytes that nothing refers to are kept before the sweep frees them, in minutes: 10 or more, as a deployment stores its bytes some time before a row refers to them.',
  ),
  auditDays: setting(
    'PREAMP_AUDIT_DAYS',
    z.coerce.number().int().min(1).max(36_500).default(400),
    '400',
    'How long the audit log keeps each call, in days.',
  ),
  accessLogDays: setting(
    'PREAMP_ACCESS_LOG_DAYS',
    z.coerce.number().int().min(0).max(3650).default(14),
    '14',
    'How long the access logs of the sites are kept, in days. 0 writes none and removes those that there are.',
  ),
  accessLogGiB: setting(
    'PREAMP_ACCESS_LOG_GIB',
    z.coerce.number().min(0.1).default(10),
    '10',
    'How much of the disk the access logs of all sites may take, in GiB. The oldest hours go first, the current one never.',
  ),
  accessLogAddresses: setting(
    'PREAMP_ACCESS_LOG_ADDRESSES',
    flag.default(true),
    'true',
    'Whether access logs hold the address and port from which a request came. To ask for them costs each request a system call.',
  ),
  accessLogCookies: setting(
    'PREAMP_ACCESS_LOG_COOKIES',
    flag.default(false),
    'false',
    'Whether access logs hold the cookies that visitors sent. They may be credentials.',
  ),
  metricsToken: setting(
    'PREAMP_METRICS_TOKEN',
    z.string().min(16, 'must have 16 characters or more').optional(),
    'nobody reads them',
    'What Prometheus sends as its bearer token to read `/_preamp/metrics` of the API, which tells of the apps of all accounts.',
  ),
} as const
