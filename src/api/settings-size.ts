import { jsonBytes } from '../model/json-bytes.ts'
import { limits } from '../model/limits.ts'
import type { AppSettings, BranchSettings } from '../model/settings.ts'
import { BadRequestException } from './errors.ts'

/**
 * Checks how large the settings of an app or a branch are as JSON, which is how they are stored: lists answer those of
 * many at once.
 * @throws {BadRequestException} that names the member to shorten
 */
export function checkSettingsSize(settings: AppSettings | BranchSettings): void {
  checkVariablesSize('environmentVariables', settings.environmentVariables)
  if ('autoBranchCreationConfig' in settings) {
    checkVariablesSize(
      'autoBranchCreationConfig.environmentVariables',
      settings.autoBranchCreationConfig?.environmentVariables,
    )
  }
  const bytes = jsonBytes(settings)
  if (bytes <= limits.settingsBytesMax) return
  const sizes = Object.entries(settings).map(([member, value]) => ({ member, bytes: jsonBytes(value) }))
  const largest = sizes.reduce((one, other) => (other.bytes > one.bytes ? other : one))
  throw new BadRequestException(
    `The settings have ${bytes} bytes as JSON, ${largest.bytes} of them in ${largest.member}. All together can have ${limits.settingsBytesMax}.`,
  )
}

function checkVariablesSize(member: string, variables: Record<string, string> | undefined): void {
  const bytes = jsonBytes(variables ?? {})
  if (bytes <= limits.environmentVariablesBytesMax) return
  throw new BadRequestException(
    `${member} has ${bytes} bytes as JSON. Environment variables can have ${limits.environmentVariablesBytesMax} in all.`,
  )
}
