/** By the package manager that writes them, in the order in which they count (contract/hosting-behaviour.md §1.8). */
export const lockFiles = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
  'bun.lockb',
] as const

/** Tell how the packages of a workspace are built, and by which version of a package manager. */
export const workspaceFiles = ['pnpm-workspace.yaml', 'turbo.json', 'nx.json', '.yarnrc.yml'] as const

const moduleEndings = ['js', 'mjs', 'cjs', 'ts', 'mts', 'cts']

function moduleFiles(stem: string): string[] {
  return moduleEndings.map((ending) => `${stem}.${ending}`)
}

/** The files in which a generator is configured, by the generator. Their text is looked at, they are never run. */
export const configFilesOf = {
  next: moduleFiles('next.config'),
  nuxt: moduleFiles('nuxt.config'),
  svelteKit: moduleFiles('svelte.config'),
  astro: moduleFiles('astro.config'),
  eleventy: ['.eleventy.js', ...moduleFiles('eleventy.config')],
  vite: moduleFiles('vite.config'),
  vueCli: moduleFiles('vue.config'),
  angular: ['angular.json'],
  nx: ['project.json'],
  hugo: ['hugo.toml', 'hugo.yaml', 'hugo.yml', 'hugo.json'],
  /** Also that of other generators: what it says decides. */
  hugoBefore: ['config.toml', 'config.yaml', 'config.yml', 'config.json'],
} satisfies Record<string, string[]>

export const configFiles: readonly string[] = Object.values(configFilesOf).flat()
