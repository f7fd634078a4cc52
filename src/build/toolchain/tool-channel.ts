import { chmodSync, closeSync, constants, openSync, renameSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { limits } from '../../model/limits.ts'

/** What a build asks for while it runs, one line of the channel: `4711 node ^20@`. */
export interface ToolRequest {
  tool: string
  range: string
  nodeVersion: string | undefined
}

/** What the build is told: where the programs are and which version it is, or why there are none. */
export type ToolReply = { bin: string; version: string } | { problem: string }

export interface ToolChannel {
  /** Nothing is answered any more. Safe to call twice. */
  close(): Promise<void>
}

/** `<id of the reply> <tool> <range>@<version of Node>`, in the characters of versions alone. */
const requestLine = /^([0-9]{1,20}) ([a-z]{2,12}) ([\w.*^~<>=|/ -]{1,64})@([0-9.]{0,20})$/

/**
 * Takes requests by a named pipe in a folder that is the server's own: a build can write to the pipe although it sees the
 * folder read-only, without a network, and can put nothing else in its place. Each reply is a file there, moved in whole.
 */
export async function openToolChannel(
  folder: string,
  answer: (request: ToolRequest) => Promise<ToolReply>,
  onFailure: (error: unknown) => void,
): Promise<ToolChannel> {
  const pipe = join(folder, 'request')
  const replies = join(folder, 'replies')
  await mkdir(replies)
  chmodSync(replies, 0o755)
  const made = Bun.spawn(['mkfifo', '--', pipe], { stdio: ['ignore', 'ignore', 'pipe'] })
  if ((await made.exited) !== 0) throw new Error(`mkfifo failed: ${await made.stderr.text()}`)
  chmodSync(pipe, 0o622)
  // Open for writing as well, so that it does not end when a writer goes, and nobody who writes is ended by a signal.
  const descriptor = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  const reader = Bun.file(descriptor).stream().getReader()
  let requests = 0
  let answering = Promise.resolve()
  let closed = false

  function receive(line: string): void {
    const [, id, tool, range, nodeVersion] = requestLine.exec(line) ?? []
    // Who sends anything else is not our own function, and waits for nothing.
    if (id === undefined || tool === undefined || range === undefined) return
    requests++
    const request = { tool, range, nodeVersion: nodeVersion || undefined }
    const refusal =
      requests > limits.toolRequestsMax
        ? { problem: `a build may ask for ${limits.toolRequestsMax} tools` }
        : undefined
    answering = answering.then(async () => reply(id, refusal ?? (await answer(request)))).catch(onFailure)
  }

  function reply(id: string, given: ToolReply): void {
    const text = 'bin' in given ? `ok\n${given.version}\n${given.bin}\n` : `no\n${oneLine(given.problem)}\n`
    const unfinished = join(folder, `reply-${id}`)
    // The folder goes with the job, which need not wait for a download that nobody wants any more.
    if (closed) return
    writeFileSync(unfinished, text)
    chmodSync(unfinished, 0o644)
    renameSync(unfinished, join(replies, id))
  }

  const reading = (async () => {
    const decoder = new TextDecoder('latin1')
    let rest = ''
    let bytesLeft = limits.toolRequestsMax * limits.toolRequestBytesMax
    // Beyond that the build waits for itself: nothing takes what it writes.
    while (bytesLeft > 0) {
      const { value, done } = await reader.read()
      if (done) return
      bytesLeft -= value.length
      const lines = (rest + decoder.decode(value)).split('\n')
      rest = lines.pop()!
      for (const line of lines) receive(line)
    }
  })().catch(onFailure)

  return {
    async close() {
      if (closed) return
      closed = true
      await reader.cancel()
      closeSync(descriptor)
      await reading
    },
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, 300)
}
