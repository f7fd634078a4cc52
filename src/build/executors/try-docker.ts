import type { Executor } from '../executor.ts'
import { findEngine } from './docker-engine.ts'
import { findImage } from './docker-image.ts'
import { findContainerNetwork, findNetworkTools } from './docker-network.ts'
import { type DockerOptions, openDockerExecutor, removeLeftContainers } from './docker.ts'
import type { BuildUser } from './job-folder.ts'
import { openPlaces, placesIn } from './network-places.ts'
import { probeExecutor } from './probe-executor.ts'

export interface DockerChoice {
  dockerCommand: string | undefined
  buildImage: string
  privateSources: boolean
  openNetworks: string[]
  passedOnVariables: Record<string, string>
  /** Absolute path. */
  dataDirectory: string
  user: BuildUser | undefined
  files: readonly string[]
  environment: Record<string, string | undefined>
}

/**
 * An executor that has just run a command in a container, or the reason why there is none. What a server before this one left
 * running is removed: the lock on the data directory says that it is dead.
 */
export async function tryDocker(choice: DockerChoice): Promise<Executor | string> {
  const { dockerCommand, buildImage, privateSources, dataDirectory, user, files, environment } = choice
  const engine = await findEngine(dockerCommand, environment)
  if (typeof engine === 'string') return engine
  if (!(await findImage(engine, buildImage))) {
    return `${engine.version} works, but has no image ${buildImage}. Make it by \`preamp image build\`, or name another with PREAMP_BUILD_IMAGE after \`${engine.kind} pull\`.`
  }
  await removeLeftContainers(engine, dataDirectory)
  const options: DockerOptions = {
    engine,
    instance: dataDirectory,
    user,
    image: buildImage,
    files,
    privateAllowed: privateSources,
    network: await findContainerNetwork(engine),
    open: async () => [
      ...choice.openNetworks.map((network) => ({ network })),
      ...(await openPlaces(placesIn(choice.passedOnVariables))),
    ],
    networkTools: findNetworkTools(engine),
  }
  const executor = openDockerExecutor(options)
  const failure = await probeExecutor(executor)
  if (failure === undefined) return executor
  // A kernel without nf_tables, say: builds are isolated all the same, in an open network.
  const open = openDockerExecutor({ ...options, networkTools: failure })
  const withoutRules = await probeExecutor(open)
  return withoutRules === undefined ? open : `${engine.version} does not run ${buildImage}: ${withoutRules}`
}
