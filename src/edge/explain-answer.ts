import type { ExplainedAnswer, ExplainQuestion } from '../model/explanation.ts'
import { answerPlainly } from './answer-action.ts'
import type { Decision, FileDecision } from './decide.ts'
import { splitUrl } from './split-url.ts'

/**
 * @param rule the name of the rule that it comes from
 * @param kept where the file comes from that the deployment itself has no more, as a sentence
 */
export function explainAnswer(
  decision: Decision,
  { url, method }: ExplainQuestion,
  rule: string | undefined,
  kept: string | undefined,
): ExplainedAnswer {
  const { kind } = decision
  switch (decision.kind) {
    case 'file': {
      const { status, path, file, deployment } = decision
      const reason = [whyFile(decision, url, rule), kept].filter((text) => text !== undefined).join(' ')
      return { kind, status, reason, file: path, bytes: file.size, deploymentId: deployment.deploymentId }
    }
    case 'proxy': {
      const { url: target, status } = decision
      const reason = `${capitalised(rule ?? 'a rule')} has it fetched from another server, whose answer is passed on.`
      return { kind, status, reason, target }
    }
    default: {
      const { status } = answerPlainly(decision, method === 'HEAD').facts
      if (decision.kind !== 'redirect') return { kind, status, reason: reasons[decision.kind] }
      const { location } = decision
      const reason = rule === undefined ? whyRedirect(location, url) : `${capitalised(rule)} says so.`
      return { kind, status, reason, location }
    }
  }
}

const reasons: Record<Exclude<Decision['kind'], 'file' | 'proxy' | 'redirect'>, string> = {
  options: 'OPTIONS is answered with the methods that there are.',
  'method-not-allowed': 'Files answer GET, HEAD and OPTIONS, and no rule passes this request on.',
  'invalid-host': 'The request names no valid host.',
  'malformed-path': 'The address holds a broken percent-encoding.',
  'out-of-target': 'What a rule takes from the address would lead out of the folder that its target names.',
  'unknown-host': 'There is no site at this host.',
  'never-deployed': 'This branch has not been deployed yet.',
  'not-kept': 'The job of this address has no deployment that is kept.',
  'no-start-page': 'There is no index.html, and no rule that shows anything in its place.',
  'not-found': 'No file has this path, and no rule leads it elsewhere.',
}

function whyRedirect(location: string, url: string): string {
  const { path, query } = splitUrl(url)
  return location === `${path}/${query}`
    ? 'No file has this path. The address leads to its other form, with a slash.'
    : 'The option trailingSlash gives the page this other address.'
}

function whyFile({ path, status }: FileDecision, url: string, rule: string | undefined): string {
  if (rule !== undefined) return `${capitalised(rule)} shows it.`
  if (status === 404)
    return 'Nothing is at this address, and the option notFoundPage shows this page instead.'
  const name = decodeURIComponent(splitUrl(url).path).normalize('NFC').slice(1)
  if (name === path) return 'It has this path.'
  if (`${name}index.html` === path) return 'It is the index of this folder.'
  if (`${name}.html` === path) return 'It has this path and .html.'
  return 'The option trailingSlash gives the page this address.'
}

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
