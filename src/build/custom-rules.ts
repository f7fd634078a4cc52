import type { Blobs } from '../blobs/blobs.ts'
import { parseCustomRules } from '../deploy/custom-rules.ts'
import { appOptionsOf } from '../model/app-options.ts'
import { customRulesFile } from '../model/hosting-files.ts'
import type { Manifest } from '../model/manifest.ts'
import type { AppRow } from '../store/schema.ts'
import type { BuildLog } from './build-log.ts'
import { takeHostingFile } from './hosting-file.ts'

/**
 * The rules that a deployment brings, where the app's option `customRulesFile` asks for them: of the file at the root of what is
 * published, else of that at the root of the repository.
 * @param repositoryFile reads the latter; absent where there is no repository
 * @returns the manifest with its rules, and without that file, which is not for visitors
 * @throws {import('../deploy/refused-content.ts').RefusedContent}
 */
export async function withCustomRules(
  manifest: Manifest,
  { app, blobs, log }: { app: AppRow; blobs: Blobs; log: BuildLog },
  repositoryFile?: () => Promise<string | undefined>,
): Promise<Manifest> {
  if (!appOptionsOf(app).customRulesFile) {
    if (Object.hasOwn(manifest.files, customRulesFile)) {
      log.write(
        'WARNING',
        `# ${customRulesFile} is published as a page, and its rules have no effect: the option customRulesFile of the app is off.`,
      )
    }
    return manifest
  }
  const { text: published, rest } = await takeHostingFile(manifest, customRulesFile, blobs)
  const text = published ?? (await repositoryFile?.())
  if (text === undefined) return manifest
  log.write('INFO', '# Found custom rules file.')
  return { ...rest, customRules: parseCustomRules(text, customRulesFile) }
}
