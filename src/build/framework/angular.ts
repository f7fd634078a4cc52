import { z } from 'zod'

import type { Generator, Output, Sources } from './generator.ts'
import { configFilesOf } from './known-files.ts'
import { plainFolder, withoutComments } from './source-text.ts'

const build = z.object({
  builder: z.string().catch(''),
  options: z
    .object({
      outputPath: z
        .union([z.string(), z.object({ base: z.string(), browser: z.string().optional() })])
        .optional(),
      ssr: z.unknown().optional(),
      outputMode: z.unknown().optional(),
    })
    .catch({}),
})

const workspace = z.object({
  defaultProject: z.string().optional().catch(undefined),
  projects: z.record(
    z.string(),
    z.object({
      projectType: z.string().catch(''),
      architect: z.object({ build: build.optional() }).optional(),
      targets: z.object({ build: build.optional() }).optional(),
    }),
  ),
})

/** Since Angular 17 the builder `application` puts the site into a folder `browser` below its output. */
export const angular: Generator = {
  package: '@angular/core',
  command: 'ng build',
  configFiles: configFilesOf.angular,
  output(sources) {
    const project = readProject(sources)
    return project && describe(project, sources.foldersAbove)
  },
}

interface AngularProject {
  name: string
  builder: string
  options: z.output<typeof build>['options']
}

function readProject({ folder }: Sources): AngularProject | undefined {
  const parsed = workspace.safeParse(parseJson(withoutComments(folder.texts.get('angular.json') ?? '')))
  if (!parsed.success) return undefined
  const { defaultProject, projects } = parsed.data
  const applications = Object.entries(projects).filter(([, { projectType }]) => projectType === 'application')
  const chosen = applications.find(([name]) => name === defaultProject) ?? applications[0]
  const target = chosen?.[1].architect?.build ?? chosen?.[1].targets?.build
  return chosen && target && { name: chosen[0], builder: target.builder, options: target.options }
}

function describe({ name, builder, options }: AngularProject, foldersAbove: number): Output | undefined {
  const { outputPath = `dist/${name}`, ssr, outputMode } = options
  const base = plainFolder(typeof outputPath === 'string' ? outputPath : outputPath.base, foldersAbove)
  if (base === undefined) return undefined
  const reasons = [`angular.json has the application ${name}, built by ${builder}`]
  const framework = 'Angular'
  const inBrowser = builder.endsWith(':application')
  const below = typeof outputPath === 'string' ? 'browser' : (outputPath.browser ?? 'browser')
  const baseDirectory = inBrowser ? plainFolder(`${base}/${below}`, foldersAbove) : base
  if (baseDirectory === undefined) return undefined
  const needsServer = outputMode === 'server' || (Boolean(ssr) && outputMode !== 'static')
  if (!needsServer) return { framework, baseDirectory, reasons }
  const reason = outputMode === 'server' ? "angular.json has outputMode: 'server'" : 'angular.json has ssr'
  const advice = "For a static site write outputMode: 'static' into angular.json, or leave out ssr"
  return { framework, baseDirectory, serverSide: { reason, advice }, reasons }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
