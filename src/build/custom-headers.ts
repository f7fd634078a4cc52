import type { Blobs } from '../blobs/blobs.ts'
import { explainNoHeaders, parseCustomHeaders } from '../deploy/custom-headers.ts'
import { customHeadersFile } from '../model/hosting-files.ts'
import type { Manifest } from '../model/manifest.ts'
import type { BuildLog } from './build-log.ts'
import type { BuildSpec } from './build-spec.ts'
import { takeHostingFile } from './hosting-file.ts'
import { readOwnFile } from './own-file.ts'

export type BroughtHeaders = Pick<Manifest, 'customHeaders' | 'legacyCustomHeaders' | 'appRoot'>

/**
 * The custom headers that a build brings: those of `customHttp.yml`, and those of its build spec. Which of them count, and
 * when those of the app do, is decided for each request (contract/hosting-behaviour.md §6.1).
 * @param folder of the checkout: the file stays at the root of a monorepo, too
 * @throws {import('../deploy/refused-content.ts').RefusedContent} for text that is no list of headers
 */
export async function findCustomHeaders(
  folder: string,
  { appRoot, customHeaders: legacyCustomHeaders }: BuildSpec,
  log: BuildLog,
): Promise<BroughtHeaders> {
  if (legacyCustomHeaders) {
    log.write(
      'WARNING',
      `# "customHeaders" in a build spec is deprecated. Move them to ${customHeadersFile} at the root of the repository.`,
    )
  }
  const customHeaders = parse(await readOwnFile(folder, customHeadersFile), appRoot, log)
  return {
    ...(customHeaders && { customHeaders }),
    ...(legacyCustomHeaders && { legacyCustomHeaders }),
    ...(appRoot !== '' && { appRoot }),
  }
}

/**
 * The same of a manual deployment, whose `customHttp.yml` lies at the root of its files (contract/hosting-behaviour.md §3).
 * @returns the manifest with its headers, and without that file, which is not for visitors
 * @throws {import('../deploy/refused-content.ts').RefusedContent}
 */
export async function withCustomHeaders(
  manifest: Manifest,
  { blobs, log }: { blobs: Blobs; log: BuildLog },
): Promise<Manifest> {
  const { text, rest } = await takeHostingFile(manifest, customHeadersFile, blobs)
  const customHeaders = parse(text, '', log)
  return { ...rest, ...(customHeaders && { customHeaders }) }
}

function parse(text: string | undefined, appRoot: string, log: BuildLog) {
  if (text === undefined) return undefined
  log.write('INFO', '# Found custom headers config file.')
  const headers = parseCustomHeaders(text, customHeadersFile, appRoot)
  if (!headers) {
    log.write('WARNING', `${customHeadersFile} has no effect. ${explainNoHeaders(text, appRoot)}`)
  }
  return headers
}
