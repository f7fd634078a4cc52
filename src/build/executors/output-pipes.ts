import { chmodSync, closeSync, constants, fchownSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { MarkerScanner } from './marker-scanner.ts'

/** One pipe: the end that the server reads, and the end that the commands write. Both are closed by their holder. */
export interface OutputPipe {
  readEnd: number
  writeEnd: number
}

/**
 * Makes the pipes for stdout and stderr. `Bun.spawn` would give the commands sockets, on which `echo x > /dev/stderr`
 * fails; Node's API has no pipe(2), so these are named pipes whose names are removed at once. They are handed to the
 * build's user, since opening `/dev/stderr` asks for permission on the pipe itself.
 */
export async function makeOutputPipes(
  owner: { uid: number; gid: number } | undefined,
): Promise<[OutputPipe, OutputPipe]> {
  return withNamedPipes(['stdout', 'stderr'], ([stdout, stderr]) => [
    openPipe(stdout!, owner),
    openPipe(stderr!, owner),
  ])
}

/** Makes a pipe for a standard input that the server writes to; a full one says EAGAIN. */
export async function makeInputPipe(): Promise<OutputPipe> {
  return withNamedPipes(['stdin'], ([stdin]) => openPipe(stdin!, undefined, constants.O_NONBLOCK))
}

async function withNamedPipes<Opened>(names: string[], open: (paths: string[]) => Opened): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-pipes-'))
  try {
    const paths = names.map((name) => join(folder, name))
    const made = Bun.spawn(['mkfifo', '--', ...paths], { stdio: ['ignore', 'ignore', 'pipe'] })
    if ((await made.exited) !== 0) throw new Error(`mkfifo failed: ${await made.stderr.text()}`)
    return open(paths)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function openPipe(path: string, owner: { uid: number; gid: number } | undefined, writeFlags = 0): OutputPipe {
  chmodSync(path, 0o600)
  // Without O_NONBLOCK, opening a named pipe waits for the other side.
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const writeEnd = openSync(path, constants.O_WRONLY | writeFlags)
    if (owner) fchownSync(writeEnd, owner.uid, owner.gid)
    return { readEnd, writeEnd }
  } catch (error) {
    closeSync(readEnd)
    throw error
  }
}

/** Reads a pipe until every writer is gone. */
export function pump(
  readEnd: number,
  scanner: MarkerScanner,
): { done: Promise<void>; cancel(): Promise<void> } {
  const reader = Bun.file(readEnd).stream().getReader()
  const done = (async () => {
    for (;;) {
      const { value, done: atEnd } = await reader.read()
      if (atEnd) break
      scanner.write(value)
      // A build that prints without end leaves time for everybody else.
      await new Promise(setImmediate)
    }
    scanner.end()
  })()
  return {
    done,
    async cancel() {
      await reader.cancel()
      // Bun reads from a duplicate of its own.
      closeSync(readEnd)
    },
  }
}
