import { diskShortage } from '../deploy/disk-shortage.ts'
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
    const shortage = await diskShortage(folder, freeBytesMin())
    if (shortage === undefined) return
    const reason = `${shortage} The job was ended.`
    controller.abort(new BuildFailed(reason, ['Build failed', reason]))
  }
  const lookOrFail = () => void look().catch((error: unknown) => controller.abort(error))
  const timer = setInterval(lookOrFail, lookMilliseconds)
  lookOrFail()
  return { signal: controller.signal, clear: () => clearInterval(timer) }
}
