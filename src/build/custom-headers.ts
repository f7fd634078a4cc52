import type { Blobs } from '../blobs/blobs.ts'
import { limits } from '../model/limits.ts'
import { type CustomHeaders, emptyManifest, type Manifest } from '../model/manifest.ts'
import { customerError } from './build-failed.ts'
import type { BuildLog } from './build-log.ts'
import type { BuildSpec } from './build-spec.ts'
import { parseCustomHeaders } from './build-spec/custom-headers.ts'
import { customHeadersFile, readOwnFile } from './find-build-spec.ts'

/**
 * The custom headers of a build. Of the places that have some the strongest alone counts: `customHttp.yml` of the
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
  if (spec.customHeaders) {
    log.write(
      'WARNING',
      `# "customHeaders" in a build spec is deprecated. Move them to ${customHeadersFile} at the root of the repository.`,
    )
  }
  const ofFile = await readOwnFile(folder, customHeadersFile)
  const found = strongest(ofFile, appHeaders, spec.appRoot, log) ?? spec.customHeaders
  return told(found, log)
}

/**
 * The same of a manual deployment, whose `customHttp.yml` lies at the root of its files (contract/hosting-behaviour.md §3).
 * @returns the manifest with its headers, and without that file, which is not for visitors
 * @throws {import('./build-failed.ts').BuildFailed}
 */
export async function withCustomHeaders(
  manifest: Manifest,
  { blobs, appHeaders, log }: { blobs: Blobs; appHeaders: string | undefined; log: BuildLog },
): Promise<Manifest> {
  const file = manifest.files[customHeadersFile]
  const files = Object.assign(emptyManifest().files, manifest.files)
  delete files[customHeadersFile]
  if (Object.keys(files).length === 0)
    throw customerError(`The deployment has no files but ${customHeadersFile}`)
  if (file && file.size > limits.buildSpecBytesMax) {
    throw customerError(`${customHeadersFile} is longer than ${limits.buildSpecBytesMax} bytes`)
  }
  const ofFile = file && (await blobs.open(file.sha).text())
  const customHeaders = told(strongest(ofFile, appHeaders, '', log), log)
  return { ...manifest, files, ...(customHeaders && { customHeaders }) }
}

function strongest(
  ofFile: string | undefined,
  appHeaders: string | undefined,
  appRoot: string,
  log: BuildLog,
): CustomHeaders[] | undefined {
  if (ofFile !== undefined) log.write('INFO', '# Found custom headers config file.')
  return (
    parseOf(ofFile, customHeadersFile, appRoot) ?? parseOf(appHeaders, "the app's customHeaders", appRoot)
  )
}

function parseOf(text: string | undefined, what: string, appRoot: string): CustomHeaders[] | undefined {
  return text === undefined ? undefined : parseCustomHeaders(text, what, appRoot)
}

function told(found: CustomHeaders[] | undefined, log: BuildLog): CustomHeaders[] | undefined {
  if (found) {
    log.write(
      'WARNING',
      '# The custom headers are kept with the deployment, but not sent: this version serves no custom headers.',
    )
  }
  return found
}
