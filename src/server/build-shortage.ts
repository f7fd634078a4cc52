import { diskShortage } from '../deploy/disk-shortage.ts'
import { limits } from '../model/limits.ts'
import type { State } from './state.ts'

/** What is short on the disk for jobs to begin: more must be free than for those at work, which are ended below their bound. */
export function buildShortage({
  config,
  directory,
}: Pick<State, 'config' | 'directory'>): Promise<string | undefined> {
  return diskShortage(directory.path, config.buildDiskFreeGiB * 1024 ** 3, limits.buildDiskFreeFilesMin)
}
