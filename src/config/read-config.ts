import { type Config, type SettingName, settings } from '../config.ts'
import { UsageError } from '../usage-error.ts'
import { contradictions } from './contradictions.ts'
import { flagOf, isSecret } from './flags.ts'

/**
 * Reads the configuration: flags over environment over defaults.
 * @param flags by the name of the setting
 * @throws {UsageError} naming every setting that does not fit, and why
 */
export function readConfig(
  environment: Record<string, string | undefined>,
  flags: Record<string, unknown> = {},
): Config {
  const problems: string[] = []
  const config: Record<string, unknown> = {}
  for (const name of Object.keys(settings) as SettingName[]) {
    const { variable, schema } = settings[name]
    const flagged = flags[name]
    const given: unknown = flagged ?? emptyAsAbsent(environment[variable])
    const result = schema.safeParse(given)
    if (result.success) {
      config[name] = result.data
      continue
    }
    const source = flagged === undefined ? `${variable}=` : `${flagOf(name)} `
    const shown = isSecret(name) ? variable : `${source}${JSON.stringify(given)}`
    problems.push(`${shown}: ${result.error.issues[0]?.message}`)
  }
  if (problems.length === 0) problems.push(...contradictions(config as Config))
  if (problems.length > 0)
    throw new UsageError(`Preamp cannot start with these settings:\n  ${problems.join('\n  ')}`)
  return config as Config
}

function emptyAsAbsent(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
