import type { ExplainQuestion, Explanation } from '../model/explanation.ts'
import { customRulesFile } from '../model/hosting-files.ts'
import { type NamedHost, parseSiteHost } from '../model/site-address.ts'
import { writtenRules } from './compile-site.ts'
import { decide } from './decide.ts'
import { type AccessOptions, explainAccess } from './explain-access.ts'
import { explainAnswer } from './explain-answer.ts'
import { explainCircle } from './explain-circle.ts'
import { customHeaderNotes } from './explain-custom-headers.ts'
import {
  explainDeployment,
  explainKeptFile,
  findShownSite,
  type ShownOptions,
} from './explain-deployments.ts'
import { explainHeaders } from './explain-headers.ts'
import { type Arrival, comesByHttps, explainHttps } from './explain-https.ts'
import { RuleTrace } from './explain-rules.ts'
import { findSiteRow } from './find-site.ts'
import type { Deployment, Site } from './site.ts'

export interface ExplainOptions extends ShownOptions, AccessOptions {
  arrival: Arrival
  /** By a file of countries, where there is one. */
  countryOf: ((address: string) => string | undefined) | undefined
}

/**
 * Says why a URL is answered as it is. What serves decides here too: this asks it, with a {@link RuleTrace}, and puts what it
 * says into words.
 * @returns undefined for a host that is nobody's
 */
export async function explain(
  options: ExplainOptions,
  question: ExplainQuestion,
): Promise<Explanation | undefined> {
  const { host, hostname } = new URL(question.url)
  const address = parseSiteHost(host, options.siteSuffix)
  const { queries } = options.database
  const found = address && (await findSiteRow(queries, address))
  if (!found) return undefined
  const { row } = found
  const { site, rows, skewProtection } = await findShownSite(options, found, question)
  const rowOf = (deployment: Deployment | null) =>
    deployment ? rows.get(deployment.deploymentId) : undefined
  const country =
    question.country ?? (question.address === undefined ? undefined : options.countryOf?.(question.address))
  const { method, url, headers } = question
  const written = writtenRules(row.app, site.deployment)
  const header = (name: string) => headers[name.toLowerCase()] ?? null
  const decideAt = (asked: { method: string; url: string }) => {
    const trace = new RuleTrace(written, { site, method: asked.method, country })
    const decision = decide(site, { ...asked, country: () => country, header }, trace)
    return { trace, decision, rule: trace.deciding }
  }
  const { trace, decision, rule } = decideAt({ method, url })
  const isKept = decision.kind === 'file' && decision.deployment !== site.deployment
  const kept = isKept ? rowOf(decision.deployment) : undefined
  const https = explainHttps(question, options.arrival)
  return {
    method,
    url,
    country,
    host: { name: hostname, kind: kindOf(address) },
    app: { appId: row.app.appId, name: row.app.name },
    branchName: row.branch.name,
    https,
    deployment: await explainDeployment(queries, rowOf(site.deployment), site),
    skewProtection,
    access: explainAccess(row, site, question, options),
    rules: trace.rules(),
    answer: explainAnswer(decision, question, rule, kept && (await explainKeptFile(queries, kept))),
    headers: explainHeaders(decision, question, site, {
      byRule: rule !== undefined,
      byHttps: comesByHttps(question, https, options.arrival),
    }),
    notes: [
      ...(decision.kind === 'redirect' ? explainCircle(url, decideAt) : []),
      ...trace.notes(),
      ...customHeaderNotes(row.app, site),
      ...notesOnRules(site),
      ...notesOf(site, decision.kind),
    ],
  }
}

const kindOf = ({ kind }: NamedHost) => (kind === 'domain' ? 'custom-domain' : kind)

/** Why rules that are there do not count. */
function notesOnRules({ deployment, options }: Site): string[] {
  const isOn = options.customRulesFile
  if (deployment?.files.has(customRulesFile)) {
    return [
      isOn
        ? `The rules of ${customRulesFile} do not count: the deployment was made while the option customRulesFile was off. Deploy again.`
        : `${customRulesFile} of this deployment is a page like any other: the option customRulesFile of the app is off.`,
    ]
  }
  const count = deployment?.customRules?.length ?? 0
  if (isOn || count === 0) return []
  const rules = count === 1 ? 'a rule' : `${count} rules`
  return [
    `The deployment brings ${rules} in ${customRulesFile}, which do not count: the option customRulesFile of the app is off.`,
  ]
}

const startPage = 'index.html'

function notesOf({ deployment }: Site, kind: string): string[] {
  if (!deployment || kind !== 'no-start-page') return []
  const { size } = deployment.files
  const count = `${size} file${size === 1 ? '' : 's'}`
  const folder =
    deployment.folder === '' ? 'the root of what was uploaded' : `${deployment.folder}, which was published`
  return [`The deployment has ${count} and no ${startPage} in ${folder}.`]
}
