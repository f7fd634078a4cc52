import { describe, expect, test } from 'bun:test'

import { load } from 'js-yaml'

import { detect } from './detect.ts'
import { configFiles } from './known-files.ts'
import { type Folder, parsePackage } from './project.ts'

type Files = Record<string, string | object>

/** What is read of a folder that holds these files. */
function folder(files: Files): Folder {
  const texts = Object.entries(files).map(([name, content]): [string, string] => [
    name,
    typeof content === 'string' ? content : JSON.stringify(content),
  ])
  return {
    packageJson: parsePackage(new Map(texts).get('package.json')),
    files: new Set(Object.keys(files)),
    texts: new Map(texts.filter(([name]) => configFiles.includes(name))),
  }
}

function detectIn(files: Files) {
  const root = folder(files)
  return detect({ appRoot: '', app: root, root })
}

interface Spec {
  phases: { preBuild?: { commands: string[] }; build: { commands: string[] } }
  artifacts: { baseDirectory: string }
  cache?: { paths: string[] }
  buildPath?: string
}

function frontendOf(buildSpec: string | undefined): Spec {
  return (load(buildSpec ?? '') as { frontend: Spec }).frontend
}

/** A package.json with these dependencies and this build script. */
function packageJson(dependencies: string, build?: string, others: object = {}): object {
  const named = dependencies.split(' ').map((name) => {
    const [, plain, version] = /^(@?[^@]+)(?:@(.+))?$/.exec(name)!
    return [plain, version ?? '^1.0.0']
  })
  return { dependencies: Object.fromEntries(named), ...(build && { scripts: { build } }), ...others }
}

const angularJson = (builder: string, options: object = {}) => ({
  projects: { shop: { projectType: 'application', architect: { build: { builder, options } } } },
})

const exported = "/* output: 'standalone' */\nexport default { output: 'export' } // 'none'"

describe('a project is taken for', () => {
  test.each<[string, Files, framework: string, baseDirectory: string]>([
    [
      'next export',
      { 'package.json': packageJson('next', 'next build && next export') },
      'Next.js - SSG',
      'out',
    ],
    [
      "output: 'export'",
      { 'package.json': packageJson('next react', 'next build'), 'next.config.mjs': exported },
      'Next.js - SSG',
      'out',
    ],
    [
      'distDir',
      {
        'package.json': packageJson('next', 'next build'),
        'next.config.ts': 'const config: NextConfig = { "output": "export", distDir: `web` }',
      },
      'Next.js - SSG',
      'web',
    ],
    ['Nuxt 3', { 'package.json': packageJson('nuxt@^3.1.0', 'nuxt generate') }, 'Nuxt', '.output/public'],
    ['Nuxt 2', { 'package.json': packageJson('nuxt@^2.1.0', 'nuxt generate') }, 'Nuxt', 'dist'],
    ['Astro', { 'package.json': packageJson('astro', 'astro build') }, 'Astro', 'dist'],
    [
      'SvelteKit',
      { 'package.json': packageJson('@sveltejs/kit @sveltejs/adapter-static vite', 'vite build') },
      'SvelteKit',
      'build',
    ],
    ['Gatsby', { 'package.json': packageJson('gatsby', 'gatsby build') }, 'Gatsby', 'public'],
    [
      'Docusaurus',
      { 'package.json': packageJson('@docusaurus/core', 'docusaurus build') },
      'Docusaurus',
      'build',
    ],
    [
      'VitePress in docs',
      { 'package.json': packageJson('vitepress vite', 'vitepress build docs') },
      'VitePress',
      'docs/.vitepress/dist',
    ],
    [
      'Eleventy',
      { 'package.json': packageJson('@11ty/eleventy', 'npx @11ty/eleventy') },
      'Eleventy',
      '_site',
    ],
    [
      'Eleventy elsewhere',
      {
        'package.json': packageJson('@11ty/eleventy'),
        'eleventy.config.js': "export default () => ({ dir: { input: 'src', output: 'web' } })",
      },
      'Eleventy',
      'web',
    ],
    [
      'Angular 17',
      {
        'package.json': packageJson('@angular/core', 'ng build'),
        'angular.json': angularJson('@angular-devkit/build-angular:application', { outputPath: 'dist/shop' }),
      },
      'Angular',
      'dist/shop/browser',
    ],
    [
      'Angular without outputPath',
      {
        'package.json': packageJson('@angular/core', 'ng build'),
        'angular.json': angularJson('@angular/build:application'),
      },
      'Angular',
      'dist/shop/browser',
    ],
    [
      'Angular before 17',
      {
        'package.json': packageJson('@angular/core', 'ng build'),
        'angular.json': angularJson('@angular-devkit/build-angular:browser', { outputPath: 'dist/shop' }),
      },
      'Angular',
      'dist/shop',
    ],
    [
      'Create React App',
      { 'package.json': packageJson('react-scripts', 'react-scripts build') },
      'React',
      'build',
    ],
    ['Vue CLI', { 'package.json': packageJson('@vue/cli-service', 'vue-cli-service build') }, 'Vue', 'dist'],
    ['Ember', { 'package.json': packageJson('ember-cli', 'ember build') }, 'Ember', 'dist'],
    ['Vite', { 'package.json': packageJson('vite react', 'tsc -b && vite build') }, 'Vite', 'dist'],
    [
      'Vite, by a flag',
      { 'package.json': packageJson('vite', 'vite build --outDir=build/web') },
      'Vite',
      'build/web',
    ],
    [
      'Vite, with a way out',
      {
        'package.json': packageJson('vite', 'vite build'),
        'vite.config.ts': "build: { outDir: '../../etc' }",
      },
      'Vite',
      'dist',
    ],
    ['Hugo', { 'hugo.toml': 'title = "Birds"' }, 'Hugo', 'public'],
    ['Hugo before 0.110', { 'config.toml': 'baseURL = "/"\npublishDir = "web"' }, 'Hugo', 'web'],
  ])('%s', (_name, files, framework, baseDirectory) => {
    const found = detectIn(files)
    expect({ framework: found?.framework, platform: found?.platform }).toEqual({ framework, platform: 'WEB' })
    expect(frontendOf(found?.buildSpec).artifacts.baseDirectory).toBe(baseDirectory)
  })

  test('what its build script runs, of several', () => {
    const both = packageJson('astro vite vitepress', 'vitepress build')
    expect(detectIn({ 'package.json': both })?.framework).toBe('VitePress')
  })

  test.each<[string, Files]>([
    ['plain HTML', { 'index.html': '<h1>Birds</h1>' }],
    ['an unknown generator', { 'package.json': packageJson('marked', 'node build.mjs') }],
    [
      'a framework on top of Vite',
      { 'package.json': packageJson('vite @remix-run/dev', 'remix vite:build') },
    ],
    ["another generator's config.toml", { 'config.toml': 'base_url = "/"' }],
    ['Angular without its workspace', { 'package.json': packageJson('@angular/core', 'ng build') }],
    ['no JSON', { 'package.json': 'vite' }],
    ['JSON of another form', { 'package.json': { dependencies: ['vite'], scripts: { build: 1 } } }],
  ])('nothing: %s', (_name, files) => {
    expect(detectIn(files)).toBeUndefined()
  })
})

describe('a site needs a server:', () => {
  test.each<[string, Files, baseDirectory: string, reason: string]>([
    [
      'Next.js',
      { 'package.json': packageJson('next', 'next build') },
      '.next',
      "does not have output: 'export'",
    ],
    [
      'a commented output of Next.js',
      {
        'package.json': packageJson('next', 'next build'),
        'next.config.js': "// output: 'export'\nexport default {}",
      },
      '.next',
      "next.config.js does not have output: 'export'",
    ],
    ['Nuxt', { 'package.json': packageJson('nuxt', 'nuxt build') }, '.amplify-hosting', 'nuxt generate'],
    [
      'Astro with an adapter',
      {
        'package.json': packageJson('astro', 'astro build'),
        'astro.config.mjs': 'export default defineConfig({ adapter: awsAmplify() })',
      },
      '.amplify-hosting',
      'astro.config.mjs has an adapter',
    ],
    ['SvelteKit', { 'package.json': packageJson('@sveltejs/kit', 'vite build') }, 'build', 'adapter-static'],
    [
      'Angular',
      {
        'package.json': packageJson('@angular/core', 'ng build'),
        'angular.json': angularJson('@angular/build:application', { outputMode: 'server' }),
      },
      'dist/shop/browser',
      "outputMode: 'server'",
    ],
  ])('%s', (_name, files, baseDirectory, reason) => {
    const found = detectIn(files)
    expect(found?.platform).toBe('WEB_COMPUTE')
    expect(found?.reasons.join('\n')).toContain(reason)
    expect(found?.advice).toStartWith('For a static site')
    expect(frontendOf(found?.buildSpec).artifacts.baseDirectory).toBe(baseDirectory)
  })
})

describe('commands', () => {
  const vite = packageJson('vite', 'vite build')

  test('are written in the form that Amplify generates', () => {
    expect(detectIn({ 'package.json': vite, 'package-lock.json': '' })?.buildSpec).toBe(`version: 1
frontend:
  phases:
    preBuild:
      commands:
        - npm ci --cache .npm --prefer-offline
    build:
      commands:
        - npm run build
  artifacts:
    baseDirectory: dist
    files:
      - '**/*'
  cache:
    paths:
      - .npm/**/*
`)
  })

  test.each<[string, Files, install: string[], build: string]>([
    ['no lock file', {}, ['npm install --cache .npm --prefer-offline'], 'npm run build'],
    ['yarn.lock', { 'yarn.lock': '' }, ['yarn install'], 'yarn run build'],
    ['Yarn 2', { 'yarn.lock': '', '.yarnrc.yml': '' }, ['corepack enable', 'yarn install'], 'yarn run build'],
    [
      'pnpm-lock.yaml',
      { 'pnpm-lock.yaml': '' },
      ['npm install -g pnpm', 'pnpm install --store-dir .pnpm-store'],
      'pnpm run build',
    ],
    ['bun.lock', { 'bun.lock': '' }, ['npm install -g bun', 'bun install'], 'bun run build'],
    [
      'packageManager before a lock file',
      {
        'package-lock.json': '',
        'package.json': packageJson('vite', 'vite build', { packageManager: 'pnpm@10.1.0+sha512.abc' }),
      },
      ['npm install -g pnpm@10.1.0', 'pnpm install --store-dir .pnpm-store'],
      'pnpm run build',
    ],
    [
      'a packageManager that is a command',
      { 'package.json': packageJson('vite', 'vite build', { packageManager: 'pnpm; rm -rf /' }) },
      ['npm install --cache .npm --prefer-offline'],
      'npm run build',
    ],
    [
      'no build script',
      { 'package.json': packageJson('@11ty/eleventy'), 'package-lock.json': '' },
      ['npm ci --cache .npm --prefer-offline'],
      'npx eleventy',
    ],
  ])('by %s', (_name, files, install, build) => {
    const { phases } = frontendOf(detectIn({ 'package.json': vite, ...files })?.buildSpec)
    expect(phases.preBuild?.commands).toEqual(install)
    expect(phases.build.commands).toEqual([build])
  })

  test('of Hugo install nothing where nothing is to be installed', () => {
    const { phases, cache } = frontendOf(detectIn({ 'hugo.toml': '' })?.buildSpec)
    expect(phases).toEqual({ build: { commands: ['hugo'] } })
    expect(cache).toBeUndefined()
  })
})

describe('in a monorepo', () => {
  function applicationIn(app: Files, root: Files, appRoot = 'apps/web') {
    const found = detect({ appRoot, app: folder(app), root: folder(root) })
    const { applications } = load(found!.buildSpec) as { applications: { appRoot: string; frontend: Spec }[] }
    expect(applications.map((one) => one.appRoot)).toEqual([appRoot])
    return applications[0]!.frontend
  }
  const vite = { 'package.json': packageJson('vite', 'vite build', { name: '@birds/web' }) }

  test('a folder with its own lock file is built by itself', () => {
    const spec = applicationIn({ ...vite, 'package-lock.json': '' }, { 'pnpm-lock.yaml': '' })
    expect(spec.buildPath).toBeUndefined()
    expect(spec.artifacts.baseDirectory).toBe('dist')
    expect(spec.phases.preBuild?.commands).toEqual(['npm ci --cache .npm --prefer-offline'])
  })

  test.each<[string, Files, build: string]>([
    ['npm', { 'package-lock.json': '' }, 'npm run build --workspace=apps/web'],
    ['yarn', { 'yarn.lock': '' }, 'yarn --cwd apps/web run build'],
    ['pnpm', { 'pnpm-lock.yaml': '', 'pnpm-workspace.yaml': '' }, 'pnpm --filter ./apps/web run build'],
    ['bun', { 'bun.lock': '' }, 'bun run --filter ./apps/web build'],
    ['Turborepo', { 'package-lock.json': '', 'turbo.json': '{}' }, 'npx turbo run build --filter=@birds/web'],
    ['Nx', { 'package-lock.json': '', 'nx.json': '{}' }, 'npx nx run @birds/web:build'],
  ])('a package of a workspace of %s is built at the root', (_name, root, build) => {
    const spec = applicationIn(vite, root)
    expect(spec.buildPath).toBe('/')
    expect(spec.phases.build.commands).toEqual([build])
    expect(spec.artifacts.baseDirectory).toBe('apps/web/dist')
  })

  test('a project of Nx without a package.json uses that of the root', () => {
    const app = {
      'project.json': { name: 'web' },
      'vite.config.ts': "build: { outDir: '../../dist/apps/web' }",
    }
    const root = { 'package.json': packageJson('vite'), 'package-lock.json': '', 'nx.json': '{}' }
    const spec = applicationIn(app, root)
    expect(spec.phases.build.commands).toEqual(['npx nx run web:build'])
    expect(spec.artifacts.baseDirectory).toBe('dist/apps/web')
  })

  test('names cannot become commands', () => {
    const app = { 'package.json': packageJson('vite', 'vite build', { name: 'web; curl evil' }) }
    const root = { 'package-lock.json': '', 'turbo.json': '{}' }
    expect(applicationIn(app, root, "apps/we'b").phases.build.commands).toEqual([
      String.raw`npm run build --workspace='apps/we'\''b'`,
    ])
  })
})

test('hostile configuration is read like any other', () => {
  const hostile = [
    '/*'.repeat(120_000),
    'output:'.repeat(35_000),
    "'".repeat(250_000),
    `output${' '.repeat(250_000)}`,
  ]
  // What goes back and forth over such texts would take minutes, and the test its time.
  for (const text of hostile) {
    const next = detectIn({ 'package.json': packageJson('next', 'next build'), 'next.config.js': text })
    expect(next?.framework).toBe('Next.js - SSR')
    detectIn({ 'config.toml': text.replaceAll('output', 'baseURL\npublishDir') })
    expect(detectIn({ 'package.json': packageJson('vite', text) })?.framework).toBe('Vite')
  }
}, 20_000)
