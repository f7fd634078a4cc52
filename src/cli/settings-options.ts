import { type Command, Option } from 'commander'

import { type Config, settings } from '../config.ts'
import { flagOf } from '../config/flags.ts'
import { readConfig } from '../config/read-config.ts'

type SettingName = keyof typeof settings

/**
 * Adds the flags of these settings, or of all that have one.
 * @param descriptions what a setting means to this command, where that is not what it means to the server
 */
export function addSettings(
  command: Command,
  names: readonly SettingName[] = Object.keys(settings) as SettingName[],
  descriptions: Partial<Record<SettingName, string>> = {},
): Command {
  for (const name of names) {
    const flag = flagOf(name)
    if (flag === undefined) continue
    const { description, default: defaultText } = settings[name]
    const text = descriptions[name] ?? `${description} (default: ${defaultText})`
    command.addOption(new Option(`${flag} <value>`, text))
  }
  return command
}

/** The configuration from the command's flags, the environment and the defaults. */
export function configOf(command: Command): Config {
  const flags: Record<string, unknown> = {}
  for (const name of Object.keys(settings) as SettingName[]) {
    const option = command.options.find(({ long }) => long === flagOf(name))
    if (option) flags[name] = command.getOptionValue(option.attributeName())
  }
  return readConfig(process.env, flags)
}
