import type { Command } from 'commander'

import type { Config } from '../config.ts'
import { appOptionDefaults, type AppOptions } from '../model/app-options.ts'
import { UsageError } from '../usage-error.ts'
import { clientDescriptions, clientSettings } from './amplify-client.ts'
import { callEndpoint } from './call-endpoint.ts'
import { callServer } from './call-server.ts'
import { addSettings } from './settings-options.ts'
import { printTable } from './table.ts'

/** `preamp options`: what Preamp lets one choose for an app beyond AWS's settings. */
export function register(program: Command): void {
  const command = program
    .command('options')
    .description('Show the options of an app that AWS does not have, or change them.')
    .argument('<app-id>')
    .argument('[changes...]', 'for example network=false; a name with = alone sets the default again')
  addSettings(command, clientSettings, clientDescriptions).action((appId: string, changes: string[]) =>
    callServer(command, (config) => showOptions(config, appId, changes)),
  )
}

async function showOptions(config: Config, appId: string, changes: string[]): Promise<void> {
  const sent = Object.fromEntries(changes.map(readChange))
  const path = `/_preamp/apps/${encodeURIComponent(appId)}/options`
  const { options } = await (changes.length > 0
    ? callEndpoint<{ options: AppOptions }>(config, 'PUT', path, sent)
    : callEndpoint<{ options: AppOptions }>(config, 'GET', path))
  printTable(
    ['OPTION', 'VALUE'],
    Object.entries(options).map(([name, value]) => [name, String(value)]),
  )
}

function readChange(change: string): [name: string, value: unknown] {
  const [, name = '', text = ''] = /^(\w+)=(.*)$/s.exec(change) ?? []
  if (!Object.hasOwn(appOptionDefaults, name)) {
    const names = Object.keys(appOptionDefaults).join(', ')
    throw new UsageError(`${change}: must be the name of an option, =, and its value. Options are ${names}.`)
  }
  const isFlag = typeof appOptionDefaults[name as keyof AppOptions] === 'boolean'
  if (isFlag && !['true', 'false', ''].includes(text)) {
    throw new UsageError(`${change}: ${name} is true or false.`)
  }
  return [name, isFlag && text !== '' ? text === 'true' : text]
}
