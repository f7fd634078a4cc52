import type { BuildSecretRow } from '../store/schema.ts'
import type { SecretBox } from '../store/secret-box.ts'
import type { BuildLog } from './build-log.ts'

/** What the variable `secrets` holds: names and values, those of the branch over those of all branches. */
export type BuildSecrets = Readonly<Record<string, string>>

/** @param rows those of all branches before those of the branch */
export function openBuildSecrets(rows: readonly BuildSecretRow[], box: SecretBox): BuildSecrets {
  return Object.fromEntries(rows.map(({ name, value }) => [name, box.open<string>(value)]))
}

/** The heading is Amplify's (contract/hosting-behaviour.md §1.10), where the secrets come from its parameter store. */
export function writeSecretNames(log: BuildLog, secrets: BuildSecrets): void {
  const names = Object.keys(secrets)
  log.write('INFO', '---- Setting Up SSM Secrets ----')
  if (names.length === 0) log.write('INFO', '# No secrets are set for this app and branch.')
  else log.write('INFO', `# The variable "secrets" holds: ${names.join(', ')}`)
}
