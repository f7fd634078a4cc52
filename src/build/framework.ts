import { buildSpecFiles } from '../model/hosting-files.ts'
import { customerError } from './build-failed.ts'
import type { BuildLog } from './build-log.ts'
import type { FoundBuildSpec } from './find-build-spec.ts'
import { buildSpecText } from './framework/build-spec-text.ts'
import { detect, type Detection } from './framework/detect.ts'
import { type Project, readProject } from './framework/project.ts'

export interface DetectionTask {
  log: BuildLog
  /** Called with what was found, for the app to keep; answers which settings it changed, for the log. */
  onDetected(detection: Detection, appRoot: string): Promise<string[]>
}

/**
 * The build spec of a repository that has none: that of its generator, or one that publishes its files as they are. The log
 * says what was decided and why.
 * @param folder a checkout in which no command has run yet
 * @param appRoot AMPLIFY_MONOREPO_APP_ROOT, or empty
 * @throws {import('./build-failed.ts').BuildFailed} when the site needs a server, or there is no such folder
 */
export async function detectBuildSpec(
  folder: string,
  appRoot: string,
  { log, onDetected }: DetectionTask,
): Promise<FoundBuildSpec> {
  const project = await readProject(folder, appRoot)
  const none = `# No build spec: there is neither ${buildSpecFiles[0]} nor a buildSpec of the branch or app.`
  const detection = detect(project)
  warnOfOtherName(project, log)
  if (!detection) {
    log.write('INFO', `${none} Publishing the files of the repository as they are.`)
    warnOfBuildScript(project, log)
    return { text: filesAsTheyAre(project.appRoot), origin: 'no build spec' }
  }
  log.write('INFO', `${none} Detecting the framework.`)
  log.write('INFO', `# Detected framework: ${detection.framework}, platform ${detection.platform}`)
  for (const reason of detection.reasons) log.write('INFO', `# - ${reason}`)
  refuseServerSide(detection)
  log.write('INFO', `# Building with this build spec:\n${detection.buildSpec.trimEnd()}`)
  const kept = await onDetected(detection, project.appRoot)
  for (const setting of kept) log.write('INFO', `# Written to ${setting}`)
  return { text: detection.buildSpec, origin: 'the detected build spec' }
}

/** Published as they are, the files of a server would show its source to visitors and answer nothing. */
function refuseServerSide({ framework, platform, advice }: Detection): void {
  if (platform === 'WEB') return
  throw customerError(
    `${framework} needs a server here, and this version of Preamp serves files alone. ${advice}, or add ${buildSpecFiles[0]} with the commands and the baseDirectory of a static site`,
  )
}

function filesAsTheyAre(appRoot: string): string {
  return buildSpecText({
    appRoot,
    atRoot: false,
    install: [],
    build: [],
    baseDirectory: '/',
    cachePaths: [],
  })
}

function warnOfOtherName({ app }: Project, log: BuildLog): void {
  const name = [...app.files.keys()].find((file) => /^\.?amplify\.ya?ml(?:\.txt)?$/i.test(file))
  if (name)
    log.write('WARNING', `# ${name} is not read as the build spec. Rename it to ${buildSpecFiles[0]}.`)
}

function warnOfBuildScript({ app, appRoot }: Project, log: BuildLog): void {
  if (app.packageJson?.scripts.has('build')) {
    log.write(
      'WARNING',
      `# package.json has a build script, which was not run. Add ${buildSpecFiles[0]} with the command and the baseDirectory of its output.`,
    )
  }
  const isWorkspace = app.packageJson?.workspaces === true || app.files.has('pnpm-workspace.yaml')
  if (appRoot === '' && isWorkspace) {
    log.write(
      'WARNING',
      '# This is the root of a workspace. Set AMPLIFY_MONOREPO_APP_ROOT to the folder of the app that is to be built.',
    )
  }
}
