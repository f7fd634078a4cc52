import { realpathSync } from 'node:fs'

import type { Executor } from '../build/executor.ts'
import { arePrivateSourcesAllowed, isLoopbackBind } from '../config/loopback-defaults.ts'
import { UsageError } from '../usage-error.ts'
import type { State } from './state.ts'

/**
 * Chooses where the commands of builds run.
 * @throws {UsageError} where they can run nowhere
 */
export async function openExecutor({
  config,
  directory,
  log,
}: Pick<State, 'config' | 'directory' | 'log'>): Promise<Executor> {
  const { chooseExecutor, NoExecutor } = await import('../build/executors/choose.ts')
  const { passedOnVariables } = await import('../build/environment.ts')
  try {
    const { executor, notice } = await chooseExecutor({
      executor: config.executor,
      dockerCommand: config.dockerCommand,
      buildImage: config.buildImage,
      loopback: isLoopbackBind(config),
      buildUser: config.buildUser,
      dataDirectory: directory.path,
      secretPaths: config.masterKeyFile === undefined ? [] : [realpathSync(config.masterKeyFile)],
      environment: process.env,
      buildNetwork: config.buildNetwork,
      privateSources: arePrivateSourcesAllowed(config),
      openNetworks: config.buildOpenNetworks,
      passedOnVariables: passedOnVariables(process.env, config.buildEnv),
    })
    if (notice) log.warn(notice)
    return executor
  } catch (error) {
    throw error instanceof NoExecutor ? new UsageError(error.message) : error
  }
}
