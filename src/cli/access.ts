import type { Command } from 'commander'

import { accessLogHeader } from '../model/access-log.ts'
import { accessLine } from './access-line.ts'
import { apiUrlOf, clientDescriptions, clientSettings, findCredentials } from './amplify-client.ts'
import { errorOf, sendSigned } from './call-endpoint.ts'
import { callServer } from './call-server.ts'
import { followEvents } from './follow-events.ts'
import { formatBytes } from './quantities.ts'
import { addSettings } from './settings-options.ts'

interface AccessOptions {
  follow?: true
  lines: string
  csv?: true
}

/** `preamp access`: who visits the sites of an app, as it happens. */
export function register(program: Command): void {
  const command = program
    .command('access')
    .description('Print the newest visits to the sites of an app, or follow them as they come.')
    .argument('<app-id>')
    .argument('[branch]', 'all branches when left out')
    .option('-f, --follow', 'go on with the visits that come, until Ctrl-C')
    .option('-n, --lines <number>', 'how many of the newest come first', '20')
    .option('--csv', 'print the lines as the access log has them')
  addSettings(command, clientSettings, clientDescriptions).action(
    (appId: string, branch: string | undefined, options: AccessOptions) =>
      callServer(command, async (config) => {
        const query = [
          ...(branch === undefined ? [] : [['branch', branch]]),
          ['follow', String(options.follow === true)],
          ['lines', options.lines],
        ].map((pair) => pair.map(encodeURIComponent).join('='))
        const path = `/_preamp/apps/${encodeURIComponent(appId)}/access-log?${query.join('&')}`
        const url = new URL(path, apiUrlOf(config, process.env))
        const signature = { region: config.region, credentials: findCredentials(config, process.env) }
        if (options.csv) console.log(accessLogHeader)
        await followEvents(
          async (lastId) => {
            const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
            const response = await sendSigned('GET', url, signature, { headers })
            if (!response.ok || response.body === null) throw await errorOf(response)
            return response.body
          },
          ({ name, data }) => {
            if (name === 'end') return 'end'
            if (name === 'message') print(data, options.csv === true)
            if (name === 'skipped') {
              const { bytes } = JSON.parse(data) as { bytes: number }
              console.error(`… ${formatBytes(bytes)} of the log left out: more is written than can be shown`)
            }
            return undefined
          },
        )
      }),
  )
}

function print(lines: string, asCsv: boolean): void {
  for (const line of lines.split('\n')) console.log(asCsv ? line : accessLine(line))
}
