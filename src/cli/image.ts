import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Command } from 'commander'

import dockerfile from '../../docker/build-image/Dockerfile' with { type: 'text' }
import { findEngine } from '../build/executors/docker-engine.ts'
import type { Config } from '../config.ts'
import { UsageError } from '../usage-error.ts'
import { addSettings, configOf } from './settings-options.ts'

/** `preamp image`: the image in which builds run in containers, by the Dockerfile that comes with the program. */
export function register(program: Command): void {
  const image = program.command('image').description('Build the image of builds that run in containers.')

  const build = image
    .command('build')
    .description('Build it, by Docker or Podman.')
    .option(
      '--base <image>',
      'build on this image of a Debian with Node and npm (default: see the Dockerfile)',
    )
  addSettings(build, ['dockerCommand', 'buildImage']).action(({ base }: { base?: string }) =>
    buildImage(configOf(build), base),
  )

  image
    .command('print')
    .description('Print its Dockerfile, to be changed as needed.')
    .action(() => console.log(dockerfile.trimEnd()))
}

async function buildImage(
  { dockerCommand, buildImage: name }: Config,
  base: string | undefined,
): Promise<void> {
  const engine = await findEngine(dockerCommand, process.env)
  if (typeof engine === 'string') throw new UsageError(`The image cannot be built: ${engine}`)
  const folder = await mkdtemp(join(tmpdir(), 'preamp-image-'))
  try {
    await writeFile(join(folder, 'Dockerfile'), dockerfile)
    const baseArguments = base === undefined ? [] : ['--build-arg', `BASE=${base}`]
    const child = Bun.spawn([engine.command, 'build', '--tag', name, ...baseArguments, folder], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: process.env,
    })
    process.exitCode = await child.exited
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
