import { styleText } from 'node:util'

import type {
  ExplainedAccess,
  ExplainedAnswer,
  ExplainedDeployment,
  ExplainedHeader,
  ExplainedHttps,
  ExplainedRule,
  Explanation,
} from '../model/explanation.ts'
import { formatBytes, plural } from './quantities.ts'

/** Of a list of thousands, those around what matters are enough; `--json` has all. */
const rulesShownMax = 40

/** An explanation as a person reads it in a terminal, from the host down to the headers. */
export function explanationText(explanation: Explanation): string {
  const { method, url, country, host, app, branchName, https, deployment, access, notes } = explanation
  const { skewProtection } = explanation
  const from = country === undefined ? '' : ` from ${country}`
  return [
    bold(`${method} ${url}${from}`),
    '',
    line('Host', `${host.name} (${hostKinds[host.kind]})`),
    line('App', `${app.appId} ${quoted(app.name)}, branch ${printable(branchName)}`),
    ...(https ? [line('HTTPS', httpsText(https))] : []),
    line('Deployment', deploymentText(deployment)),
    ...(skewProtection ? [line('Skew', printable(skewProtection.reason))] : []),
    line('Access', accessText(access)),
    ...section('Rules', rulesText(explanation.rules)),
    ...section('Answer', answerText(explanation)),
    ...section('Headers', headersText(explanation.headers, explanation.answer)),
    ...section('Notes', notes.map(printable)),
  ].join('\n')
}

const hostKinds: Record<Explanation['host']['kind'], string> = {
  branch: "the branch's own",
  job: 'the address of a job',
  'custom-domain': 'a custom domain',
}

function httpsText({ redirect, reason }: ExplainedHttps): string {
  return redirect ? `${red(String(redirect.status))} to ${printable(redirect.location)}. ${reason}` : reason
}

function deploymentText(deployment: ExplainedDeployment | undefined): string {
  if (!deployment) return 'none yet'
  const { deploymentId, jobId, deployedAt, files, bytes, appRoot } = deployment
  const job = jobId === undefined ? 'of a job that was deleted' : `of job ${jobId}`
  const folder = appRoot === '' ? '' : `, of the app in ${printable(appRoot)}/`
  const when = new Date(deployedAt * 1000).toISOString()
  return `${deploymentId}, ${job}, ${when}, ${plural(files, 'file')}, ${formatBytes(bytes)}${folder}`
}

function accessText({
  password,
  allowedAddresses,
  deniedAddresses,
  maintenance,
  refusal,
}: ExplainedAccess): string {
  const conditions = [
    ...(password === undefined ? [] : [`the password of the ${password} is asked for`]),
    ...(allowedAddresses === '' ? [] : [`only from ${allowedAddresses}`]),
    ...(deniedAddresses === '' ? [] : [`not from ${deniedAddresses}`]),
    ...(maintenance ? ['under maintenance'] : []),
  ]
  const text = conditions.length === 0 ? 'open to everybody' : conditions.join('; ')
  return refusal ? `${text}. ${red(String(refusal.status))}: ${refusal.reason}` : text
}

const marks: Record<ExplainedRule['result'], string> = {
  matched: '✓ matched',
  skipped: '· skipped',
  ignored: '! ignored',
  'not-reached': '- not asked',
}

function rulesText(rules: ExplainedRule[]): string[] {
  if (rules.length === 0) return ['none']
  const shown =
    rules.length <= rulesShownMax
      ? rules
      : rules.filter(({ result }) => result === 'matched' || result === 'ignored')
  const left = rules.length - shown.length
  const width = String(rules.length).length
  return [
    ...shown.slice(0, rulesShownMax).flatMap((rule) => ruleText(rule, width)),
    ...(left === 0 && shown.length <= rulesShownMax
      ? []
      : [
          `${plural(rules.length, 'rule')}: those that matched or are ignored are shown, ${rulesShownMax} at most. --json has all.`,
        ]),
  ]
}

function ruleText(
  { number, list, source, target, status, condition, result, reason, warnings }: ExplainedRule,
  width: number,
): string[] {
  const mark = marks[result].padEnd(11)
  const place = list === 'app' ? '' : ` (${list})`
  const wanted = condition === undefined ? '' : ` if ${printable(condition)}`
  const indent = ' '.repeat(width + 2)
  return [
    `${String(number).padStart(width)}  ${result === 'matched' ? green(mark) : mark} ${printable(source)} → ${printable(target)}  ${status}${wanted}${place}`,
    ...[reason, ...warnings].map((text) => dim(`${indent}${' '.repeat(12)}${printable(text)}`)),
  ]
}

function answerText({ https, access: { refusal }, answer }: Explanation): string[] {
  const { status, reason, file, bytes, location, target } = answer
  const what =
    file !== undefined
      ? `${printable(file)} (${formatBytes(bytes ?? 0)})`
      : location !== undefined
        ? `to ${printable(location)}`
        : target !== undefined
          ? `what ${printable(target)} answers${status === undefined ? ', with its status' : ''}`
          : ''
  return [
    ...(https?.redirect ? [`For this visitor ${https.redirect.status} and no more. By HTTPS:`] : []),
    ...(refusal ? [`For this visitor ${refusal.status} and no more. For who is let in:`] : []),
    [status === undefined ? '' : bold(String(status)), what].filter((text) => text !== '').join(' '),
    printable(reason),
  ]
}

const origins: Record<ExplainedHeader['origin'], string> = {
  default: "Preamp's default",
  rule: 'the rule',
  'customHttp.yml': 'customHttp.yml',
  app: 'customHeaders of the app',
  'build-spec': 'customHeaders of the build spec',
}

function headersText(headers: ExplainedHeader[], { target }: ExplainedAnswer): string[] {
  const lines = headers.map(({ name, value }) => `${name}: ${printable(value)}`)
  const width = Math.min(Math.max(...lines.map(({ length }) => length)), 60)
  return [
    ...headers.map(({ origin, pattern }, place) => {
      const from =
        pattern === undefined ? origins[origin] : `${origins[origin]}, pattern ${printable(pattern)}`
      return `${lines[place]!.padEnd(width)}  ${dim(from)}`
    }),
    ...(target === undefined ? [] : ['and those that are answered there']),
  ]
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : ['', bold(title), ...lines.map((text) => `  ${text}`)]
}

const line = (label: string, text: string) => `${bold(label.padEnd(11))} ${text}`
const quoted = (text: string) => `“${printable(text)}”`

/** What tenants write must not move the cursor or colour the rest: control characters are shown as escapes. */
const printable = (text: string) =>
  text.replaceAll(/\p{Cc}|\p{Cf}/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)

const bold = (text: string) => styleText('bold', text)
const dim = (text: string) => styleText('dim', text)
const red = (text: string) => styleText('red', text)
const green = (text: string) => styleText('green', text)
