import { angular } from './angular.ts'
import { type FolderRule, type Generator, outputFolder, readConfig, type Sources } from './generator.ts'
import { configFilesOf } from './known-files.ts'
import { literalOf, plainFolder } from './source-text.ts'

function isAtLeast(version: string | undefined, major: number): boolean {
  const found = /\d+/.exec(version ?? '')
  return found === null || Number(found[0]) >= major
}

const next: Generator = {
  package: 'next',
  command: 'next build',
  configFiles: configFilesOf.next,
  output(sources) {
    const config = readConfig(sources, configFilesOf.next)
    const cachePaths = ['.next/cache/**/*']
    if (/\bnext\s{1,20}export\b/.test(sources.script)) {
      const folder = outputFolder(sources, { standard: 'out', flags: ['-o', '--outdir'] })
      const reasons = ['the build script runs next export', ...folder.reasons]
      return { framework: 'Next.js - SSG', ...folder, cachePaths, reasons }
    }
    if (config && literalOf(config.text, 'output') === 'export') {
      const rule = { standard: 'out', member: 'distDir', configFiles: configFilesOf.next }
      const folder = outputFolder(sources, rule)
      const reasons = [`${config.name} has output: 'export'`, ...folder.reasons]
      return { framework: 'Next.js - SSG', ...folder, cachePaths, reasons }
    }
    return {
      framework: 'Next.js - SSR',
      baseDirectory: '.next',
      cachePaths,
      serverSide: {
        reason: `${config?.name ?? 'the configuration'} does not have output: 'export'`,
        advice: "For a static site write output: 'export' into next.config.js",
      },
      reasons: [],
    }
  },
}

const nuxt: Generator = {
  package: 'nuxt',
  command: 'nuxt build',
  configFiles: configFilesOf.nuxt,
  output({ script, packageJson }) {
    if (/\b(nuxt|nuxi)\s{1,20}generate\b/.test(script)) {
      const baseDirectory = isAtLeast(packageJson?.dependencies.get('nuxt'), 3) ? '.output/public' : 'dist'
      return { framework: 'Nuxt', baseDirectory, reasons: ['the build script runs nuxt generate'] }
    }
    return {
      framework: 'Nuxt',
      baseDirectory: '.amplify-hosting',
      serverSide: {
        reason: 'the build script does not run nuxt generate',
        advice: 'For a static site make nuxt generate the build script',
      },
      reasons: [],
    }
  },
}

const svelteKit: Generator = {
  package: '@sveltejs/kit',
  command: 'vite build',
  configFiles: configFilesOf.svelteKit,
  output(sources) {
    const isStatic = sources.packageJson?.dependencies.has('@sveltejs/adapter-static')
    const rule = { standard: 'build', member: 'pages', configFiles: configFilesOf.svelteKit }
    const folder = outputFolder(sources, rule)
    if (isStatic) {
      const reasons = ['package.json has @sveltejs/adapter-static', ...folder.reasons]
      return { framework: 'SvelteKit', ...folder, reasons }
    }
    return {
      framework: 'SvelteKit',
      baseDirectory: 'build',
      serverSide: {
        reason: 'package.json does not have @sveltejs/adapter-static',
        advice: 'For a static site use @sveltejs/adapter-static',
      },
      reasons: [],
    }
  },
}

const astro: Generator = {
  package: 'astro',
  command: 'astro build',
  configFiles: configFilesOf.astro,
  output(sources) {
    const config = readConfig(sources, configFilesOf.astro)
    const needsServer =
      config && /\badapter\s{0,20}:|\boutput\s{0,20}:\s{0,20}["'](server|hybrid)["']/.exec(config.text)
    if (needsServer) {
      return {
        framework: 'Astro',
        baseDirectory: '.amplify-hosting',
        serverSide: {
          reason: `${config.name} has ${needsServer[1] ? `output: '${needsServer[1]}'` : 'an adapter'}`,
          advice: 'For a static site leave out the adapter and the output',
        },
        reasons: [],
      }
    }
    const rule = { standard: 'dist', flags: ['--outDir'], member: 'outDir', configFiles: configFilesOf.astro }
    return { framework: 'Astro', ...outputFolder(sources, rule) }
  },
}

/** A generator that makes files alone, always. */
function staticGenerator(
  name: string,
  framework: string,
  command: string,
  rule: FolderRule,
  extra: { cachePaths?: string[]; isIt?(sources: Sources): boolean } = {},
): Generator {
  return {
    package: name,
    command,
    configFiles: rule.configFiles ?? [],
    output(sources) {
      if (extra.isIt && !extra.isIt(sources)) return undefined
      const cachePaths = extra.cachePaths ? { cachePaths: extra.cachePaths } : {}
      return { framework, ...outputFolder(sources, rule), ...cachePaths }
    },
  }
}

const vitePress: Generator = {
  package: 'vitepress',
  command: 'vitepress build',
  configFiles: [],
  output(sources) {
    const folder = plainFolder(
      /\bvitepress\s{1,20}build\s{1,20}([^\s-]\S{0,100})/.exec(sources.script)?.[1] ?? '',
    )
    const standard = folder ? `${folder}/.vitepress/dist` : '.vitepress/dist'
    return { framework: 'VitePress', ...outputFolder(sources, { standard, flags: ['--outDir'] }) }
  },
}

/** Frameworks that are built by Vite and whose output is not Vite's own. */
const notPlainVite = [
  '@react-router/dev',
  '@remix-run/dev',
  '@tanstack/react-start',
  '@tanstack/solid-start',
  '@solidjs/start',
  '@builder.io/qwik-city',
  '@analogjs/platform',
]

/** In the order in which they count where a project has several and its build script names none. */
export const generators: readonly Generator[] = [
  next,
  nuxt,
  svelteKit,
  astro,
  staticGenerator(
    'gatsby',
    'Gatsby',
    'gatsby build',
    { standard: 'public' },
    { cachePaths: ['.cache/**/*'] },
  ),
  staticGenerator('@docusaurus/core', 'Docusaurus', 'docusaurus build', {
    standard: 'build',
    flags: ['--out-dir'],
  }),
  vitePress,
  staticGenerator('@11ty/eleventy', 'Eleventy', 'eleventy', {
    standard: '_site',
    flags: ['--output'],
    member: 'output',
    configFiles: configFilesOf.eleventy,
  }),
  angular,
  staticGenerator('react-scripts', 'React', 'react-scripts build', { standard: 'build' }),
  staticGenerator('@vue/cli-service', 'Vue', 'vue-cli-service build', {
    standard: 'dist',
    flags: ['--dest'],
    member: 'outputDir',
    configFiles: configFilesOf.vueCli,
  }),
  staticGenerator('ember-cli', 'Ember', 'ember build --environment=production', {
    standard: 'dist',
    flags: ['--output-path', '-o'],
  }),
  staticGenerator(
    'vite',
    'Vite',
    'vite build',
    { standard: 'dist', flags: ['--outDir'], member: 'outDir', configFiles: configFilesOf.vite },
    { isIt: ({ packageJson }) => !notPlainVite.some((name) => packageJson?.dependencies.has(name)) },
  ),
]
