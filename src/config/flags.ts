import { type SettingName, settings } from '../config.ts'

const secretSettings: ReadonlySet<SettingName> = new Set([
  'accessKeyId',
  'secretAccessKey',
  'databaseUrl',
  'smtpUrl',
  'metricsToken',
])

/** `PREAMP_API_PORT` → `--api-port`; undefined where a flag would show a secret to every user of the machine, or is not ours. */
export function flagOf(name: SettingName): string | undefined {
  if (secretSettings.has(name)) return undefined
  const { variable } = settings[name]
  return variable.startsWith('PREAMP_')
    ? `--${variable.slice('PREAMP_'.length).toLowerCase().replaceAll('_', '-')}`
    : undefined
}
