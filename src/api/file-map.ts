import { RefusedContent } from '../deploy/refused-content.ts'
import { sitePath } from '../deploy/site-path.ts'
import { limits } from '../model/limits.ts'
import type { UploadRow } from '../store/schema.ts'
import { BadRequestException } from './errors.ts'

/**
 * The uploads that a deployment awaits: one for each file of its `fileMap`, or the one zip, whose name is empty.
 * @param fileMap path in the site to MD5 in hex, or to an empty text where there is nothing to compare
 * @throws {BadRequestException} for too many files, for a path that cannot be published, and for what is no MD5
 */
export function awaitedUploads(
  fileMap: Record<string, string> | undefined,
): Pick<UploadRow, 'name' | 'md5'>[] {
  const entries = Object.entries(fileMap ?? {})
  if (entries.length === 0) return [{ name: '', md5: null }]
  if (entries.length > limits.fileMapFilesMax) {
    throw new BadRequestException(
      `The fileMap has ${entries.length} files and can have ${limits.fileMapFilesMax}. Leave it out and upload one zip.`,
    )
  }
  const paths = new Set<string>()
  return entries.map(([name, md5]) => {
    const path = checkedPath(name)
    if (paths.has(path)) {
      throw new BadRequestException(
        `The fileMap has two names for one file, in different Unicode forms: ${JSON.stringify(path)}.`,
      )
    }
    paths.add(path)
    return { name, md5: checkedMd5(name, md5) }
  })
}

function checkedPath(name: string): string {
  try {
    return sitePath(name)
  } catch (error) {
    if (!(error instanceof RefusedContent)) throw error
    throw new BadRequestException(`${error.message}.`)
  }
}

function checkedMd5(name: string, md5: string): string | null {
  if (md5 === '') return null
  if (/^[0-9a-f]{32}$/i.test(md5)) return md5.toLowerCase()
  throw new BadRequestException(
    `The fileMap gives ${JSON.stringify(md5)} for ${JSON.stringify(name)}, which is not an MD5 in hex.`,
  )
}
