import { readFileSync } from 'node:fs'

import { hasCode } from '../model/error-code.ts'
import { UsageError } from '../usage-error.ts'

/**
 * Reads a secret from the standard input, or from a file. Never an argument: others on the machine can read those.
 * @param option by which the file was named
 */
export async function readSecretValue(option: string, file: string | undefined): Promise<string> {
  if (file === undefined && process.stdin.isTTY) console.error('Type the value, then Enter and Ctrl-D.')
  const text = file === undefined ? await Bun.stdin.text() : readValueFile(option, file)
  const value = text.replace(/\r?\n$/, '')
  if (value === '') throw new UsageError('The value is empty. Nothing was set.')
  return value
}

function readValueFile(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'EISDIR')) {
      throw new UsageError(`${option} ${file}: cannot be read. Name a file that you may read.`)
    }
    throw error
  }
}
