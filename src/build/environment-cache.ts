import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { hasCode } from '../model/error-code.ts'
import { jsonBytes } from '../model/json-bytes.ts'
import { limits } from '../model/limits.ts'
import type { BuildLog } from './build-log.ts'

/** What `envCache` keeps from one build of a branch to the next (contract/hosting-behaviour.md §1.6). */
export interface EnvironmentCache {
  read(): Promise<Record<string, string>>
  save(variables: Record<string, string>): Promise<void>
}

/** Folder of the program and of what it keeps, in the folder that the commands see as their own. */
const environmentCacheFolder = '.preamp-env-cache'
const program = 'envCache'
const variablesFile = 'variables'
/** The program adds a value each time it is called; the last one of a key counts. */
const fileBytesMax = 4 * limits.environmentCacheBytesMax
const keyPattern = /^[A-Za-z0-9_.-]{1,128}$/

/** In bash, which every executor has. A record is `KEY=VALUE` and a NUL, which no argument can hold. */
const programText = `#!/bin/bash
# envCache --set KEY VALUE: the next build of the branch gets the value with envCache --get KEY.
LC_ALL=C
file=\${BASH_SOURCE[0]%/*}/${variablesFile}
key='^[A-Za-z0-9_.-]{1,128}$'
case "$#$1" in
  3--set)
    if ! [[ $2 =~ $key ]]; then
      echo "envCache: $2: a key is 1 to 128 letters, digits, and . _ -" >&2
      exit 2
    fi
    printf '%s=%s\\0' "$2" "$3" >> "$file"
    ;;
  2--get)
    value=
    while IFS= read -r -d '' record; do
      [[ $record == "$2="* ]] && value=\${record#*=}
    done < "$file"
    printf '%s\\n' "$value"
    ;;
  *)
    echo 'Usage: envCache --set KEY VALUE, envCache --get KEY' >&2
    exit 2
    ;;
esac
`

interface Place {
  of: EnvironmentCache
  /** The folder that the commands see as their own. */
  folder: string
  log: BuildLog
}

/** Puts the program, and what it kept, into a folder in which nothing of the repository has run yet; returns what it kept. */
export async function openEnvironmentCache({ of, folder, log }: Place): Promise<Record<string, string>> {
  log.write('INFO', '# Retrieving environment cache...')
  const variables = await of.read()
  const own = join(folder, environmentCacheFolder)
  await mkdir(own, { mode: 0o755 })
  const records = Object.entries(variables).map(([key, value]) => `${key}=${value}\0`)
  await writeFile(join(own, variablesFile), records.join(''), { mode: 0o644 })
  await writeFile(join(own, program), programText)
  await chmod(join(own, program), 0o755)
  return variables
}

/** The command that lets the session's shell find the program, from the folder where the session starts. */
export function environmentCacheOnPath(workFolder: string): string {
  return `PATH="$(cd -- "${workFolder}" && pwd)/${environmentCacheFolder}:$PATH"`
}

/** Why what a build left cannot be kept, for its log. */
class NotKept extends Error {}

/** Keeps what the commands have set. Every process of theirs is gone; what they left is hostile all the same. */
export async function keepEnvironmentCache(
  { of, folder, log }: Place,
  before: Readonly<Record<string, string>>,
): Promise<void> {
  log.write('INFO', '# Starting environment caching...')
  try {
    const variables = await readVariables(join(folder, environmentCacheFolder))
    if (!Bun.deepEquals(variables, before)) await of.save(variables)
    log.write('INFO', '# Environment caching completed')
  } catch (error) {
    if (!(error instanceof NotKept)) throw error
    log.write(
      'WARNING',
      `# The environment cache is not kept: ${error.message}. The next build gets what this one got.`,
    )
  }
}

async function readVariables(folder: string): Promise<Record<string, string>> {
  const bytes = await readFile(folder)
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new NotKept('it is not UTF-8')
  }
  const variables = new Map<string, string>()
  for (const record of text.split('\0').slice(0, -1)) {
    const end = record.indexOf('=')
    const key = record.slice(0, Math.max(0, end))
    if (!keyPattern.test(key)) throw new NotKept('a key is not 1 to 128 letters, digits, and . _ -')
    variables.set(key, record.slice(end + 1))
  }
  if (variables.size > limits.environmentCacheKeysMax) {
    throw new NotKept(`it has more than ${limits.environmentCacheKeysMax} keys`)
  }
  const kept = Object.fromEntries(variables)
  if (jsonBytes(kept) > limits.environmentCacheBytesMax) throw tooLarge()
  return kept
}

/** The commands own the folder, and may have put links, pipes or other people's files in its place or into it. */
async function readFile(folder: string): Promise<Buffer> {
  if (!(await lstat(folder).catch(() => undefined))?.isDirectory()) throw notAFile()
  let file
  try {
    file = await open(
      join(folder, variablesFile),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    )
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ELOOP', 'ENXIO', 'EACCES')) throw notAFile()
    throw error
  }
  try {
    const status = await file.stat()
    if (!status.isFile() || status.nlink > 1) throw notAFile()
    if (status.size > fileBytesMax) throw tooLarge()
    return await file.readFile()
  } finally {
    await file.close()
  }
}

const notAFile = () => new NotKept('the commands removed it or put something else in its place')
const tooLarge = () => new NotKept(`it is longer than ${limits.environmentCacheBytesMax} bytes`)
