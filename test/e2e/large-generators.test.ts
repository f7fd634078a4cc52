import { describeGenerators } from '../support/generator-builds.ts'
import { requires, requiresRegistry } from '../support/requires.ts'

/** Built by one executor, as they take long and say nothing more with the others. */
if (requires('git') && (await requiresRegistry())) {
  describeGenerators(requires('bwrap') ? 'bubblewrap' : 'process', [
    { name: 'turborepo', appRoot: 'apps/garden', pages: { '/': 'Birds of the garden' } },
    { name: 'nextjs', pages: { '/': 'Birds of the garden', '/sparrow': 'House sparrow' } },
    { name: 'docusaurus', pages: { '/': 'Birds of the garden', '/sparrow': 'House sparrow' } },
  ])
}
