import { statfs } from 'node:fs/promises'

import { limits } from '../model/limits.ts'

/**
 * What is short on the disk of a folder, for a user to read; undefined while there is room. Whatever takes room asks this
 * first: on a full disk the database stands still, and with it everybody's jobs and sites.
 */
export async function diskShortage(
  folder: string,
  freeBytesMin: number = limits.diskFreeBytesMin,
  freeFilesMin: number = limits.diskFreeFilesMin,
): Promise<string | undefined> {
  const { bavail, bsize, files, ffree } = await statfs(folder)
  // File systems without a table of files say that it has no entries.
  if (bavail * bsize >= freeBytesMin && (files === 0 || ffree >= freeFilesMin)) return undefined
  const mebibytes = Math.floor((bavail * bsize) / 1024 ** 2)
  return `The server's disk is nearly full: it has ${mebibytes} MiB and room for ${ffree} files left.`
}
