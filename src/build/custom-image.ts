import type { AppSecrets } from '../model/settings.ts'
import type { CustomImage } from './executor.ts'

/** The image that `_CUSTOM_IMAGE` names; undefined for none, and for Amplify's own (`amplify:al2023`), whose place ours takes. */
export function customImage(
  variables: Record<string, string>,
  { registry }: Pick<AppSecrets, 'registry'>,
): CustomImage | undefined {
  const reference = variables['_CUSTOM_IMAGE']?.trim() ?? ''
  return reference === '' || isAmplifyImage(reference) ? undefined : { reference, credentials: registry }
}

export function isAmplifyImage(reference: string): boolean {
  return /^amplify:[a-z0-9.-]+$/.test(reference)
}
