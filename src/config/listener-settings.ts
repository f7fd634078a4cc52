import { z } from 'zod'

import { setting } from './setting.ts'
import { port, url } from './value-schemas.ts'

/** Where the API and the sites are reached, and how. */
export const listenerSettings = {
  host: setting(
    'PREAMP_HOST',
    z.string().min(1).default('127.0.0.1'),
    '127.0.0.1',
    'Address to which the API and the sites are bound.',
  ),
  apiPort: setting('PREAMP_API_PORT', port.default(4700), '4700', 'Port of the API. 0 takes a free one.'),
  apiUrl: setting(
    'PREAMP_API_URL',
    url.optional(),
    'the Host of each request',
    'Address of the API as clients see it, for upload, log and artifact URLs in replies.',
  ),
  sitesPort: setting(
    'PREAMP_SITES_PORT',
    port.default(4780),
    '4780',
    'Port on which sites are served. 0 takes a free one.',
  ),
  sitesUrl: setting(
    'PREAMP_SITES_URL',
    url.refine((text) => new URL(text).pathname === '/', 'must not have a path').optional(),
    'http://localhost:<sites port>',
    'Address of the sites as visitors see it. Its host is the suffix of every `defaultDomain`; its port is part of it unless it is the scheme’s own.',
  ),
  tlsCertFile: setting(
    'PREAMP_TLS_CERT_FILE',
    z.string().min(1).optional(),
    'none',
    'Certificate of the sites in PEM, with those that lead to its root behind it. With it sites are served by HTTPS as well; a new one in its place is shown within seconds.',
  ),
  tlsKeyFile: setting(
    'PREAMP_TLS_KEY_FILE',
    z.string().min(1).optional(),
    'none',
    'Private key of that certificate in PEM, without a password.',
  ),
  sitesTlsPort: setting(
    'PREAMP_SITES_TLS_PORT',
    port.min(1).default(4743),
    '4743',
    'Port on which sites are served by HTTPS, where there is a certificate.',
  ),
  http2: setting(
    'PREAMP_HTTP2',
    z.enum(['tls', 'all', 'none']).default('tls'),
    'tls',
    'Where sites are served by HTTP/2 besides HTTP/1.1: by HTTPS, on `all` ports (h2c, for a proxy in front), or nowhere.',
  ),
  drainSeconds: setting(
    'PREAMP_DRAIN_SECONDS',
    z.coerce.number('must be a number').min(0).max(60).default(3),
    '3',
    'How long a server that is to stop goes on answering visitors, and tells them to open no other request on their connection.',
  ),
} as const
