import { dump } from 'js-yaml'

/** What goes into a build spec that was not written by a person. */
export interface Recipe {
  /** Folder of the app in a monorepo, else empty. */
  appRoot: string
  /** Whether commands run, and paths begin, at the root of the repository instead of in `appRoot`. */
  atRoot: boolean
  install: string[]
  build: string[]
  baseDirectory: string
  cachePaths: string[]
}

/** A build spec of the form that Amplify generates, in `applications` where the app is one of a monorepo. */
export function buildSpecText(recipe: Recipe): string {
  const phases = {
    ...(recipe.install.length > 0 && { preBuild: { commands: recipe.install } }),
    ...(recipe.build.length > 0 && { build: { commands: recipe.build } }),
  }
  const frontend = {
    ...(recipe.atRoot && { buildPath: '/' }),
    ...(Object.keys(phases).length > 0 && { phases }),
    artifacts: { baseDirectory: recipe.baseDirectory, files: ['**/*'] },
    ...(recipe.cachePaths.length > 0 && { cache: { paths: recipe.cachePaths } }),
  }
  const { appRoot } = recipe
  const spec =
    appRoot === '' ? { version: 1, frontend } : { version: 1, applications: [{ appRoot, frontend }] }
  return dump(spec, { lineWidth: -1, noRefs: true })
}
