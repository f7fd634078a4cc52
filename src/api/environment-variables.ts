import { BadRequestException } from './errors.ts'

type Variables = Record<string, string>

/**
 * Checks variables as they were sent and applies them to those that are set (contract/api-behaviour.md §2): absent and
 * `{}` change nothing, the sentinels `{" ": ""}` and `{"": ""}` clear, anything else replaces all.
 * @throws {BadRequestException} for names that no variable can have
 */
export function changedVariables(
  current: Variables | undefined,
  sent: Variables | undefined,
): Variables | undefined {
  if (sent === undefined || Object.keys(sent).length === 0) return current
  if (clears(sent)) return {}
  for (const name of Object.keys(sent)) checkName(name)
  return sent
}

/** Terraform's way to say "none"; the form without a space is that of versions before September 2024. */
function clears(sent: Variables): boolean {
  const [name, ...others] = Object.keys(sent)
  return others.length === 0 && (name === '' || name === ' ') && sent[name] === ''
}

function checkName(name: string): void {
  if (name.trim() === '') throw new BadRequestException('Environment variables cannot have an empty key.')
  if (name.startsWith('AWS')) {
    throw new BadRequestException('Environment variables cannot start with the reserved prefix "AWS".')
  }
  // A process is given its environment as `name=value`: such a name would set another variable.
  if (name.includes('=')) {
    throw new BadRequestException(
      `Environment variables cannot have a key with "=": ${JSON.stringify(name)}.`,
    )
  }
}
