import type { Command } from 'commander'

import type { Config } from '../config.ts'
import { apiUrlOf, explainApiError } from './amplify-client.ts'
import { configOf } from './settings-options.ts'

/** Does what a command is for with its configuration; a refusal of the server ends the command with its words. */
export async function callServer(command: Command, act: (config: Config) => Promise<void>): Promise<void> {
  const config = configOf(command)
  try {
    await act(config)
  } catch (error) {
    explainApiError(error, apiUrlOf(config, process.env))
  }
}
