import type { Command } from 'commander'

import type { DomainChecks } from '../api/preamp/domain-checks.ts'
import { apiUrlOf, clientDescriptions, clientSettings, explainApiError } from './amplify-client.ts'
import { callEndpoint } from './call-endpoint.ts'
import { addSettings, configOf } from './settings-options.ts'
import { printTable } from './table.ts'

/** `preamp domains`: what the DNS says about the custom domains of an app. */
export function register(program: Command): void {
  const domains = program.command('domains').description('Look at the DNS records of custom domains.')
  const check = domains
    .command('check')
    .description(
      'Look at the records of a domain now and print what each should be and what was seen. Starts a verification that was given up anew. The exit code is 0 when all are there.',
    )
    .argument('<app-id>')
    .argument('<domain>')
  addSettings(check, clientSettings, clientDescriptions).action((appId: string, domainName: string) =>
    checkDomain(check, appId, domainName),
  )
}

async function checkDomain(command: Command, appId: string, domainName: string): Promise<void> {
  const config = configOf(command)
  const path = `/_preamp/apps/${encodeURIComponent(appId)}/domains/${encodeURIComponent(domainName)}/verify`
  try {
    const domain = await callEndpoint<DomainChecks>(config, 'POST', path)
    console.log(`${domain.domainName}: ${domain.domainStatus}`)
    if (domain.statusReason) console.log(domain.statusReason)
    console.log()
    printTable(
      ['STATE', 'RECORD', 'SEEN'],
      domain.checks.map(({ passed, answered, expected, seen }) => [
        passed ? 'ok' : answered ? 'missing' : 'unknown',
        expected,
        seen,
      ]),
    )
    if (!domain.checks.every(({ passed }) => passed)) process.exitCode = 1
  } catch (error) {
    explainApiError(error, apiUrlOf(config, process.env))
  }
}
