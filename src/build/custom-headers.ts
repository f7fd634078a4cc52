import type { CustomHeaders } from '../model/manifest.ts'
import type { BuildLog } from './build-log.ts'
import type { BuildSpec } from './build-spec.ts'
import { parseCustomHeaders } from './build-spec/custom-headers.ts'
import { customHeadersFile, readOwnFile } from './find-build-spec.ts'

/**
 * The custom headers of a deployment. Of the places that have some the strongest alone counts: `customHttp.yml` of the
 * repository, the app's setting, the build spec (contract/hosting-behaviour.md §6.1).
 * @param folder of the checkout: the file stays at the root of a monorepo, too
 * @throws {import('./build-failed.ts').BuildFailed} for text that is no list of headers
 */
export async function findCustomHeaders(
  folder: string,
  appHeaders: string | undefined,
  spec: BuildSpec,
  log: BuildLog,
): Promise<CustomHeaders[] | undefined> {
  const ofFile = await readOwnFile(folder, customHeadersFile)
  if (ofFile !== undefined) log.write('INFO', '# Found custom headers config file.')
  if (spec.customHeaders) {
    log.write(
      'WARNING',
      `# "customHeaders" in a build spec is deprecated. Move them to ${customHeadersFile} at the root of the repository.`,
    )
  }
  const found =
    parseOf(ofFile, customHeadersFile, spec) ??
    parseOf(appHeaders, "the app's customHeaders", spec) ??
    spec.customHeaders
  if (found) {
    log.write(
      'WARNING',
      '# The custom headers are kept with the deployment, but not sent: this version serves no custom headers.',
    )
  }
  return found
}

function parseOf(text: string | undefined, what: string, spec: BuildSpec): CustomHeaders[] | undefined {
  return text === undefined ? undefined : parseCustomHeaders(text, what, spec.appRoot)
}
