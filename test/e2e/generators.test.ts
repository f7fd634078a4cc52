import { afterAll } from 'bun:test'

import { closeTestEngine, requiresContainers } from '../support/container-engine.ts'
import { describeGenerators, type GeneratorCase } from '../support/generator-builds.ts'
import { requires, requiresRegistry } from '../support/requires.ts'

const eleventy: GeneratorCase = {
  name: 'eleventy',
  pages: { '/': '<strong>Eleventy</strong> on main', '/house-sparrow/': '<h1>House sparrow</h1>' },
}
const cases: GeneratorCase[] = [
  ...(requires('hugo') ? [{ name: 'hugo', pages: { '/sparrow/': '<strong>roof tiles</strong>' } }] : []),
  { name: 'vite', pages: { '/': 'Birds of the garden' } },
  eleventy,
  { name: 'pnpm-monorepo', appRoot: 'apps/garden', pages: { '/': 'Birds of the garden' } },
  { name: 'pnpm-monorepo', appRoot: 'apps/forest', pages: { '/': 'Birds of the forest' } },
]

afterAll(closeTestEngine)

if (requires('git') && (await requiresRegistry())) {
  if (requires('bwrap')) describeGenerators('bubblewrap', cases)
  describeGenerators('process', cases)
  // The others say nothing more in containers, and take long.
  if (await requiresContainers()) describeGenerators('docker', [eleventy])
}
