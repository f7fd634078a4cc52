import { z } from 'zod'

import { setting } from './setting.ts'
import { addressList, flag, serverList } from './value-schemas.ts'

/** What the server fetches, asks and tells outside of itself. */
export const outboundSettings = {
  fileRepositories: setting(
    'PREAMP_FILE_REPOSITORIES',
    flag.optional(),
    'true on a loopback bind',
    'Whether apps may build repositories by `file://` URL or path.',
  ),
  privateSources: setting(
    'PREAMP_PRIVATE_SOURCES',
    flag.optional(),
    'true on a loopback bind',
    'Whether `sourceUrl`, repositories, registries of images, webhooks and targets of rules may lie at private and loopback addresses and at those of the server, and isolated builds reach private ones. Link-local and metadata addresses never may.',
  ),
  smtpUrl: setting(
    'PREAMP_SMTP_URL',
    z
      .url({ protocol: /^smtps?$/, error: 'must be an address that begins with smtp:// or smtps://' })
      .optional(),
    'no e-mail is sent',
    'Mail server for notifications, with user and password where it wants them: `smtps://user:password@mail.example:465`.',
  ),
  mailFrom: setting(
    'PREAMP_MAIL_FROM',
    z.email('must be an e-mail address').optional(),
    'preamp@<host of PREAMP_SITES_URL>',
    'Sender of notifications by e-mail.',
  ),
  dnsServers: setting(
    'PREAMP_DNS_SERVERS',
    serverList.default([]),
    'the resolvers of the system',
    'DNS resolvers that are asked for the records of custom domains: IP addresses, separated by commas, with a port where it is not 53.',
  ),
  sitesAddresses: setting(
    'PREAMP_SITES_ADDRESSES',
    addressList.default([]),
    'those that the DNS has for <app id>.<sites host>',
    'Public IP addresses of the sites, separated by commas, for custom domains that lead here by A and AAAA records.',
  ),
  domainVerification: setting(
    'PREAMP_DOMAIN_VERIFICATION',
    z.enum(['dns', 'none']).default('dns'),
    'dns',
    '`none` takes every custom domain as proven without a look at the DNS, for tests. Only where the API is bound to loopback.',
  ),
  domainVerificationHours: setting(
    'PREAMP_DOMAIN_VERIFICATION_HOURS',
    z.coerce.number().positive().max(8760).default(72),
    '72',
    'How long the record that proves who owns a custom domain is waited for.',
  ),
  s3Endpoint: setting(
    'AWS_ENDPOINT_URL_S3',
    z.string().optional(),
    'AWS',
    'Endpoint for `s3://` sources; AWS_ENDPOINT_URL is read too. Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, the region from AWS_REGION.',
  ),
} as const
