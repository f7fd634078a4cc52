import type { Command } from 'commander'

import type { Explanation } from '../model/explanation.ts'
import { clientDescriptions, clientSettings } from './amplify-client.ts'
import { callEndpoint } from './call-endpoint.ts'
import { callServer } from './call-server.ts'
import { explanationText } from './explanation-text.ts'
import { addSettings } from './settings-options.ts'

interface ExplainOptions {
  method: string
  country?: string
  address?: string
  header: string[]
  json?: true
}

/** `preamp explain`: why a URL is answered as it is. */
export function register(program: Command): void {
  const command = program
    .command('explain')
    .description('Say why a URL of a site is answered as it is: which deployment, rule, file and headers.')
    .argument('<url>')
    .option('--method <method>', 'as the visitor asks', 'GET')
    .option('--country <code>', 'where the visitor is, as US')
    .option('--address <address>', 'from which IP address the visitor comes')
    .option('--header <header>', "a header of the visitor, as 'name: value'; may be repeated", gather, [])
    .option('--json', 'print what the server answers')
  addSettings(command, clientSettings, clientDescriptions).action((url: string, options: ExplainOptions) =>
    callServer(command, async (config) => {
      const explanation = await callEndpoint<Explanation>(
        config,
        'GET',
        `/_preamp/explain?${queryOf(url, options)}`,
      )
      console.log(options.json ? JSON.stringify(explanation, null, 2) : explanationText(explanation))
    }),
  )
}

const gather = (header: string, before: string[]) => [...before, header]

/** Percent-encoded as signatures have it: a space is not a plus. */
function queryOf(url: string, { method, country, address, header }: ExplainOptions): string {
  const pairs = [
    ['url', url],
    ['method', method],
    ...(country === undefined ? [] : [['country', country]]),
    ...(address === undefined ? [] : [['address', address]]),
    ...header.map((line) => ['header', line]),
  ]
  return pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
}
