import type { Command } from 'commander'

import { clientDescriptions, clientSettings } from './amplify-client.ts'
import { callEndpoint } from './call-endpoint.ts'
import { callServer } from './call-server.ts'
import { readSecretValue } from './read-secret-value.ts'
import { addSettings } from './settings-options.ts'
import { printTable } from './table.ts'

interface SecretOptions {
  branch?: string
  valueFile?: string
}

interface ListedSecret {
  name: string
  branchName?: string
  updateTime: number
}

/** `preamp secrets`: what builds find in the variable `secrets`. Values go in and never come out. */
export function register(program: Command): void {
  const secrets = program.command('secrets').description('Set, list and delete the secrets of builds.')

  const set = secrets
    .command('set')
    .description(
      'Set a secret to what stands on the standard input, or in a file, without the end of its last line.',
    )
    .argument('<app-id>')
    .argument('<name>')
    .option('--branch <name>', 'for this branch alone (default: for all branches)')
    .option('--value-file <path>', 'read the value from this file')
  addSettings(set, clientSettings, clientDescriptions).action(
    (appId: string, name: string, options: SecretOptions) =>
      callServer(set, async (config) => {
        const body = { value: await readSecretValue('--value-file', options.valueFile) }
        await callEndpoint(config, 'PUT', pathOf(appId, options, name), body)
        console.log(`${name} is set; builds that start from now on get it.`)
      }),
  )

  const list = secrets
    .command('list')
    .description('List names and times of secrets. Values are never shown.')
    .argument('<app-id>')
    .option('--branch <name>', 'those of this branch alone')
  addSettings(list, clientSettings, clientDescriptions).action((appId: string, options: SecretOptions) =>
    callServer(list, async (config) => {
      const answer = await callEndpoint<{ secrets: ListedSecret[] }>(config, 'GET', pathOf(appId, options))
      printTable(
        ['NAME', 'BRANCH', 'SET'],
        answer.secrets.map(({ name, branchName = '(all)', updateTime }) => [
          name,
          branchName,
          new Date(updateTime * 1000).toISOString(),
        ]),
      )
    }),
  )

  const remove = secrets
    .command('delete')
    .description('Delete a secret.')
    .argument('<app-id>')
    .argument('<name>')
    .option('--branch <name>', 'the one of this branch (default: the one of all branches)')
  addSettings(remove, clientSettings, clientDescriptions).action(
    (appId: string, name: string, options: SecretOptions) =>
      callServer(remove, async (config) => {
        await callEndpoint(config, 'DELETE', pathOf(appId, options, name))
        console.log(`${name} is deleted.`)
      }),
  )
}

function pathOf(appId: string, { branch }: SecretOptions, name?: string): string {
  const path = `/_preamp/apps/${encodeURIComponent(appId)}/secrets`
  const query = branch === undefined ? '' : `?branch=${encodeURIComponent(branch)}`
  return `${path}${name === undefined ? '' : `/${encodeURIComponent(name)}`}${query}`
}
