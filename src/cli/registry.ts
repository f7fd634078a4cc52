import type { Command } from 'commander'

import { clientDescriptions, clientSettings } from './amplify-client.ts'
import { callEndpoint } from './call-endpoint.ts'
import { callServer } from './call-server.ts'
import { readSecretValue } from './read-secret-value.ts'
import { addSettings } from './settings-options.ts'

interface RegistryAnswer {
  registry?: { server: string; userName: string }
}

/** `preamp registry`: with what builds pull the image that `_CUSTOM_IMAGE` names. The password goes in and never comes out. */
export function register(program: Command): void {
  const registry = program
    .command('registry')
    .description('Set, show and delete the credentials with which the builds of an app pull their image.')

  const set = registry
    .command('set')
    .description(
      'Set them; the password is what stands on the standard input, or in a file, without the end of its last line.',
    )
    .argument('<app-id>')
    .argument('<server>', 'as the names of the images begin: a host, with its port where it has one')
    .argument('<user-name>')
    .option('--password-file <path>', 'read the password from this file')
  addSettings(set, clientSettings, clientDescriptions).action(
    async (appId: string, server: string, userName: string, options: { passwordFile?: string }) => {
      const password = await readSecretValue('--password-file', options.passwordFile)
      await call(set, 'PUT', appId, { server, userName, password })
    },
  )

  const show = registry
    .command('show')
    .description('Show server and user name. The password is never shown.')
    .argument('<app-id>')
  addSettings(show, clientSettings, clientDescriptions).action((appId: string) => call(show, 'GET', appId))

  const remove = registry.command('delete').description('Delete them.').argument('<app-id>')
  addSettings(remove, clientSettings, clientDescriptions).action((appId: string) =>
    call(remove, 'DELETE', appId),
  )
}

async function call(
  command: Command,
  method: 'GET' | 'PUT' | 'DELETE',
  appId: string,
  body?: object,
): Promise<void> {
  const path = `/_preamp/apps/${encodeURIComponent(appId)}/registry`
  await callServer(command, async (config) => {
    const { registry } = await callEndpoint<RegistryAnswer>(config, method, path, body)
    console.log(
      registry
        ? `Images of ${registry.server} are pulled as ${registry.userName}.`
        : 'The app has no credentials for images.',
    )
  })
}
