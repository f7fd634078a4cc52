import type { Command } from 'commander'

import type { DomainChecks } from '../api/preamp/domain-checks.ts'
import type { Config } from '../config.ts'
import { limits } from '../model/limits.ts'
import { UsageError } from '../usage-error.ts'
import { clientDescriptions, clientSettings } from './amplify-client.ts'
import { callEndpoint } from './call-endpoint.ts'
import { callServer } from './call-server.ts'
import { addSettings } from './settings-options.ts'
import { printTable } from './table.ts'

const pauseMilliseconds = 300
/** Longer than one look takes, so that a server with others to look at first is waited for too. */
const secondsMax = 2 * limits.dnsLookSecondsMax

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
    callServer(check, (config) => checkDomain(config, appId, domainName)),
  )
}

async function checkDomain(config: Config, appId: string, domainName: string): Promise<void> {
  const path = `/_preamp/apps/${encodeURIComponent(appId)}/domains/${encodeURIComponent(domainName)}`
  const domain = await lookAgain(config, path)
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
}

/** Asks for a look at the records and waits for it. */
async function lookAgain(config: Config, path: string): Promise<DomainChecks> {
  const before = await callEndpoint<DomainChecks>(config, 'POST', `${path}/verify`)
  const giveUpAt = Date.now() + secondsMax * 1000
  for (;;) {
    const domain = await callEndpoint<DomainChecks>(config, 'GET', `${path}/checks`)
    if (domain.checkedAt !== before.checkedAt) return domain
    if (Date.now() > giveUpAt) {
      throw new UsageError(
        `The records were not looked at within ${secondsMax} seconds: the server is busy with other domains, or does not reach its DNS. Look into its log, or try again later.`,
      )
    }
    await Bun.sleep(pauseMilliseconds)
  }
}
