import type { AppRow, BranchRow } from '../store/schema.ts'
import { isAmplifyImage } from './custom-image.ts'

/** Variables of the app and, over them, of the branch: those by which users steer builds are looked for among them. */
export function settingVariables(app: AppRow, branch: BranchRow): Record<string, string> {
  return { ...app.settings.environmentVariables, ...branch.settings.environmentVariables }
}

/** `true` in whatever case, as every on-off variable of Amplify is written. */
export function isOn(value: string | undefined): boolean {
  return value?.trim().toLowerCase() === 'true'
}

/** Lines for the log about variables that have less of an effect than on Amplify. */
export function variableWarnings(variables: Record<string, string>, executor: string): string[] {
  const warnings: string[] = []
  const image = variables['_CUSTOM_IMAGE']?.trim() ?? ''
  if (image !== '' && executor === 'docker') {
    if (isAmplifyImage(image)) {
      warnings.push(`# The image ${image} is Amplify's own: this server's default image takes its place.`)
    }
  } else if (image !== '') {
    warnings.push(
      `# _CUSTOM_IMAGE is not used: the executor ${executor} has no images, commands see the programs of this machine. Start the server with --executor docker (docs/containers.md).`,
    )
  }
  return warnings
}
