import type { Command } from 'commander'

import { type RunningServer, startServer } from '../server.ts'
import { announcement } from './announcement.ts'
import { createLogger, untilSignal } from './run-server.ts'
import { addSettings, configOf } from './settings-options.ts'

/** `preamp serve`: the server, until it is told to stop. */
export function register(program: Command): void {
  const command = program.command('serve').description('Serve the Amplify API, run builds and serve sites.')
  addSettings(command).action(() => serve(command))
}

async function serve(command: Command): Promise<void> {
  const config = configOf(command)
  let server: RunningServer | undefined
  const signal = untilSignal(() => server?.kill())
  server = await startServer(config, createLogger(config.logLevel))
  console.log(`Preamp is running.\n${announcement(server, config)}\nCtrl-C stops it.`)
  await signal
  console.log('Stopping …')
  await server.stop()
}
