import type { Executor } from '../build/executor.ts'
import type { Toolchains } from '../build/toolchain/toolchains.ts'
import type { State } from './state.ts'

/** The versions of Node and of package managers that builds ask for. */
export async function openToolchains(
  { config, directory, log }: Pick<State, 'config' | 'directory' | 'log'>,
  executor: Executor,
): Promise<Toolchains> {
  const { findTools } = await import('../build/executors/tools.ts')
  const { findHostNode } = await import('../build/toolchain/host-node.ts')
  const { openRegistry } = await import('../build/toolchain/registry.ts')
  const { openToolCache } = await import('../build/toolchain/tool-cache.ts')
  const { createToolchains } = await import('../build/toolchain/toolchains.ts')
  const { path } = await findTools(process.env, directory.path)
  const inImage = executor.name === 'docker'
  const hostNode = inImage ? undefined : await findHostNode(path)
  const bytesMax = config.toolsGiB * 1024 ** 3
  const cache = await openToolCache({ folder: directory.tools, bytesMax, registry: openRegistry(), log })
  return createToolchains({ cache, hostNode, inImage, defaultNode: config.defaultNode, log })
}
