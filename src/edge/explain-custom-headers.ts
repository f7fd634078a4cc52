import { explainNoHeaders, parseCustomHeaders } from '../deploy/custom-headers.ts'
import { RefusedContent } from '../deploy/refused-content.ts'
import type { SiteRow } from '../store/deployments.ts'
import type { HeaderSource } from './header-rules.ts'
import type { Site } from './site.ts'

const places: Record<HeaderSource, string> = {
  'customHttp.yml': 'customHttp.yml',
  app: 'customHeaders of the app',
  'build-spec': 'customHeaders of the build spec',
}

/** What became of custom headers that are written and not sent: the strongest place that has some counts alone. */
export function customHeaderNotes(
  { settings: { customHeaders } }: SiteRow['app'],
  { deployment, headers: { source, leftOut } }: Site,
): string[] {
  if (!deployment) return []
  const ofApp = customHeaders !== undefined && customHeaders.trim() !== ''
  const unused = [
    ...(ofApp && source === 'customHttp.yml' ? [places.app] : []),
    ...(deployment.legacyCustomHeaders && source !== 'build-spec' ? [places['build-spec']] : []),
  ]
  return [
    ...(ofApp && source === 'build-spec'
      ? [`The ${places.app} have no effect. ${whyNone(customHeaders, deployment.appRoot)}`]
      : []),
    ...unused.map((place) => `The ${place} are not used: ${places[source]} replaces them all.`),
    ...leftOut,
  ]
}

/** A version that did not look closely may have saved what cannot be read. */
function whyNone(text: string, appRoot: string): string {
  try {
    parseCustomHeaders(text, 'customHeaders', appRoot)
    return explainNoHeaders(text, appRoot)
  } catch (error) {
    if (!(error instanceof RefusedContent)) throw error
    return error.message
  }
}
