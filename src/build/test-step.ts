import type { Blobs } from '../blobs/blobs.ts'
import { collectTestFiles, type TestFiles } from '../deploy/collect-test-files.ts'
import { RefusedContent } from '../deploy/refused-content.ts'
import { limits } from '../model/limits.ts'
import { BuildFailed } from './build-failed.ts'
import type { BuildLog } from './build-log.ts'
import type { BuildShell } from './build-shell.ts'
import type { TestArtifacts, TestSection } from './build-spec.ts'

export interface TestOptions {
  shell: BuildShell
  section: TestSection
  blobs: Blobs
  /** The folder that artifacts are relative to, found anew once the commands are gone: they may have replaced it. */
  findRoot(): Promise<string>
  keep(files: TestFiles): Promise<void>
  signal: AbortSignal
}

/**
 * Step TEST: the section `test` in the shell of the build, and what it leaves (contract/hosting-behaviour.md §1.2). It is the
 * last that runs: its artifacts are read when the shell and all its processes are gone, and so is the build's output. They are
 * kept whether the tests succeed or not, and never decide about the job.
 * @throws {BuildFailed} for the first command that failed
 */
export async function runTests(options: TestOptions, log: BuildLog): Promise<void> {
  const { shell, section, signal } = options
  let failure: BuildFailed | undefined
  try {
    await shell.run(section.phases, log)
    log.write('INFO', '## Tests completed successfully')
  } catch (error) {
    if (!(error instanceof BuildFailed) || signal.aborted) throw error
    failure = error
  }
  await shell.end()
  if (section.artifacts) await keepArtifacts(options, section.artifacts, log)
  if (failure) throw failure
}

async function keepArtifacts(options: TestOptions, artifacts: TestArtifacts, log: BuildLog): Promise<void> {
  log.write('INFO', '# Starting test artifact upload process...')
  let found: TestFiles
  try {
    const { blobs, signal } = options
    found = await collectTestFiles({ ...artifacts, root: await options.findRoot(), blobs, signal })
  } catch (error) {
    if (!(error instanceof RefusedContent || error instanceof BuildFailed)) throw error
    log.write('WARNING', `# No test artifacts are kept. ${error.message}`)
    return
  }
  if (found.leftOut > 0) {
    const mebibytes = limits.testArtifactsBytesMax / 1024 ** 2
    log.write(
      'WARNING',
      `# ${found.leftOut} files are left out: at most ${limits.testArtifactsMax} files and ${mebibytes} MiB are kept.`,
    )
  }
  if (artifacts.configFilePath !== undefined && found.config === undefined) {
    log.write('WARNING', `# No file matches configFilePath: ${artifacts.configFilePath}`)
  }
  await options.keep(found)
  log.write('INFO', `# Test artifact upload completed: ${found.files.size} files`)
}
