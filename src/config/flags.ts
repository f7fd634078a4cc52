import { type SettingName, settings } from '../config.ts'

const secretSettings: ReadonlySet<SettingName> = new Set([
  'accessKeyId',
  'secretAccessKey',
  'databaseUrl',
  'smtpUrl',
  'metricsToken',
])

/** Whether it must neither be seen in a list of processes nor repeated where it does not fit: a wrong secret is a secret all the same. */
export const isSecret = (name: SettingName): boolean => secretSettings.has(name)

/** `PREAMP_API_PORT` → `--api-port`; undefined where a flag would show a secret to every user of the machine, or is not ours. */
export function flagOf(name: SettingName): string | undefined {
  if (isSecret(name)) return undefined
  const { variable } = settings[name]
  return variable.startsWith('PREAMP_')
    ? `--${variable.slice('PREAMP_'.length).toLowerCase().replaceAll('_', '-')}`
    : undefined
}
