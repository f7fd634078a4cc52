import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface ClonedRefs {
  /** Id of the branch's commit. */
  tip: string
  /** Full names and ids. */
  tags: { name: string; id: string }[]
}

/**
 * Writes the folder `.git` of a clone of one branch, as `git clone --single-branch` leaves it, but for the objects. By hand,
 * as each run of Git costs as much as all of this.
 */
export async function writeGitFolder(
  folder: string,
  { url, branch, refs }: { url: string; branch: string; refs: ClonedRefs },
): Promise<void> {
  for (const name of ['objects', 'refs/heads', 'refs/tags', 'info']) {
    await mkdir(join(folder, name), { recursive: true })
  }
  const head = `refs/heads/${branch}`
  const tracking = `refs/remotes/origin/${branch}`
  const configuration = [
    '[core]',
    '\trepositoryformatversion = 0',
    '\tfilemode = true',
    '\tbare = false',
    '\tlogallrefupdates = true',
    '[remote "origin"]',
    `\turl = ${quoted(url)}`,
    `\tfetch = ${quoted(`+${head}:${tracking}`)}`,
    `[branch ${quoted(branch)}]`,
    '\tremote = origin',
    `\tmerge = ${quoted(head)}`,
  ]
  const branches = [head, tracking].map((name) => ({ name, id: refs.tip }))
  const packed = [...branches, ...refs.tags].map(({ name, id }) => `${id} ${name}\n`)
  await writeFile(join(folder, 'config'), `${configuration.join('\n')}\n`)
  await writeFile(join(folder, 'packed-refs'), packed.join(''))
  await writeFile(join(folder, 'HEAD'), `ref: ${head}\n`)
}

/** As git-config(1) reads values and names of subsections. Neither of ours can hold a line break. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}
