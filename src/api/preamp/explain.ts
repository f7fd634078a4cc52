import { isIP } from 'node:net'

import { z } from 'zod'

import { appArn } from '../../model/arn.ts'
import type { ExplainQuestion } from '../../model/explanation.ts'
import { limits } from '../../model/limits.ts'
import { findApp } from '../../store/apps.ts'
import { appResource } from '../authorization.ts'
import type { Caller, Services } from '../context.ts'
import { NotFoundException } from '../errors.ts'
import { parseInput } from '../validation.ts'
import type { EndpointCall, SignedEndpoint } from './endpoints.ts'

const input = z.object({
  url: z
    .string()
    .transform(readUrl)
    .pipe(z.url({ protocol: /^https?$/, error: 'Member must be the address of a page' })),
  method: z
    .string()
    .regex(/^[A-Za-z]{1,20}$/, 'Member must be a method, as GET')
    .default('GET'),
  country: z
    .string()
    .regex(/^[A-Za-z]{2}$/, 'Member must be a country in two letters, as US')
    .optional(),
  address: z
    .string()
    .refine((text) => isIP(text) !== 0, 'Member must be an IP address')
    .optional(),
  header: z
    .array(
      z
        .string()
        .regex(/^[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*$/, 'Member must be a name, a colon and a value'),
    )
    .refine(
      (headers) => headers.length <= limits.explainHeadersMax,
      `Member must be given at most ${limits.explainHeadersMax} times`,
    )
    .default([]),
})

/**
 * Why a URL is answered as it is, for whoever may GetApp of the app whose host it is. A host that is nobody's is not found, and
 * one of another account's is not found either. Parameters: `url`, `method`, `country`, `address`, and `header` for each header.
 */
export const explainUrl: SignedEndpoint = {
  method: 'GET',
  path: '/_preamp/explain',
  async permission(caller, _members, query, services) {
    const host = hostOf(query.get('url')?.[0] ?? '')
    const appId = await ownAppOf(services, caller, host)
    const resource = appId === undefined ? { resource: appArn(caller, '*') } : appResource(caller, { appId })
    return { action: 'amplify:GetApp', ...resource }
  },
  async handle({ caller, services }, { query }) {
    const question = readQuestion(query)
    const host = hostOf(question.url)
    const explanation = (await ownAppOf(services, caller, host)) && (await services.sites.explain(question))
    // The host may have gone to somebody else in between.
    if (!explanation || !(await findApp(services.database.queries, caller, explanation.app.appId))) {
      throw new NotFoundException(noSite(host))
    }
    return explanation
  },
}

const noSite = (host: string) =>
  `No site of yours is at ${host}. Sites are at <branch>.<defaultDomain of the app> and at custom domains; list-apps, list-branches and list-domain-associations show what there is.`

/** The caller's app that the host belongs to. */
async function ownAppOf(services: Services, caller: Caller, host: string): Promise<string | undefined> {
  const site = await services.sites.find(host)
  return site && (await findApp(services.database.queries, caller, site.appId))?.appId
}

/** With its port; empty for what is no address. */
const hostOf = (url: string) => URL.parse(readUrl(url))?.host ?? ''

function readQuestion(query: EndpointCall['query']): ExplainQuestion {
  const sent = Object.fromEntries(
    [...query].map(([name, values]) => [name, name === 'header' ? values : values[0]]),
  )
  const { url, method, country, address, header } = parseInput(input, sent) as z.output<typeof input>
  const sentHeaders = header.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  const headers: Record<string, string> = { host: new URL(url).host, ...Object.fromEntries(sentHeaders) }
  return { url, method: method.toUpperCase(), country: country?.toUpperCase(), address, headers }
}

/** As people copy it, without its scheme perhaps. Neither a fragment nor a password is sent to a server. */
function readUrl(text: string): string {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  if (!url) return text
  url.hash = ''
  url.username = ''
  url.password = ''
  return url.href
}
