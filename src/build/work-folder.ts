import { readdir } from 'node:fs/promises'

/**
 * Removes a build's folder, also where the build took away the permission to. Links in it are not followed. By rm(1), in a
 * process of its own and step by step: the build may have nested folders deeper than any path can name.
 */
export async function removeWorkFolder(folder: string): Promise<void> {
  if ((await run(['rm', '-rf', '--', folder])) === undefined) return
  await run(['chmod', '-R', 'u+rwx', '--', folder])
  const failure = await run(['rm', '-rf', '--', folder])
  if (failure !== undefined) throw new Error(`${folder} cannot be removed: ${failure}`)
}

/** Job keys for which the work folder still has a folder. */
export async function listWorkFolders(workRoot: string): Promise<string[]> {
  const entries = await readdir(workRoot, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}

/** Undefined where the command succeeds, otherwise the beginning of what it says: a line for each of many files perhaps. */
async function run(command: string[]): Promise<string | undefined> {
  const child = Bun.spawn(command, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  const decoder = new TextDecoder()
  for await (const bytes of child.stderr) if (said === '') said = decoder.decode(bytes.subarray(0, 500))
  return (await child.exited) === 0 ? undefined : said
}
