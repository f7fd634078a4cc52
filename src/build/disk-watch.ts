import { statfs } from 'node:fs/promises'

import { limits } from '../model/limits.ts'
import { BuildFailed } from './build-failed.ts'

export interface DiskWatch {
  /** Aborted with a {@link BuildFailed} when the disk is nearly full. */
  signal: AbortSignal
  clear(): void
}

const lookMilliseconds = 250

/**
 * Looks at the disk under a folder while a job is at work. Which job fills it is not asked: a build can write a disk full in
 * seconds, and neither the database nor any other job gets on until there is room.
 */
export function watchDisk(folder: string, freeBytesMin = () => limits.diskFreeBytesMin): DiskWatch {
  const controller = new AbortController()
  const look = async (): Promise<void> => {
    const { bavail, bsize, files, ffree } = await statfs(folder)
    // File systems without a table of files say that it has no entries.
    if (bavail * bsize >= freeBytesMin() && (files === 0 || ffree >= limits.diskFreeFilesMin)) return
    const reason = `The server's disk is nearly full, so that the job was ended. It had ${Math.floor((bavail * bsize) / 1024 ** 2)} MiB free and room for ${ffree} files.`
    controller.abort(new BuildFailed(reason, ['Build failed', reason]))
  }
  const lookOrFail = () => void look().catch((error: unknown) => controller.abort(error))
  const timer = setInterval(lookOrFail, lookMilliseconds)
  lookOrFail()
  return { signal: controller.signal, clear: () => clearInterval(timer) }
}
