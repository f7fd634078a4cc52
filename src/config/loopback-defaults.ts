import { isIPv4 } from 'node:net'

import type { Config } from '../config.ts'

/** Whether the API can be reached from this machine only: what decides the defaults that trust the caller. */
export function isLoopbackBind(config: Pick<Config, 'host'>): boolean {
  return (
    config.host === 'localhost' ||
    config.host === '::1' ||
    (isIPv4(config.host) && config.host.startsWith('127.'))
  )
}

/** Whether sources, repositories and images may lie at private addresses. */
export function arePrivateSourcesAllowed(config: Pick<Config, 'host' | 'privateSources'>): boolean {
  return config.privateSources ?? isLoopbackBind(config)
}

/** Whether apps may build repositories of this machine. */
export function areFileRepositoriesAllowed(config: Pick<Config, 'host' | 'fileRepositories'>): boolean {
  return config.fileRepositories ?? isLoopbackBind(config)
}
