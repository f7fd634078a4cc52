import type { CommandResult } from '../executor.ts'

/** The one command that a session is at, if any. It has ended when both output streams have shown its marker. */
export interface CommandTurn {
  /**
   * Begins a command; resolves with what `finish` is given.
   * @throws when another command has not ended
   */
  begin(): Promise<CommandResult>
  /** Takes note of a marker. Returns the command's status at the second one, undefined before. */
  markerSeen(exitCode: number): number | undefined
  /** Ends the command; does nothing where there is none. */
  finish(result: CommandResult): void
}

const outputStreams = 2

export function createCommandTurn(): CommandTurn {
  let current: { markers: number; exitCode: number; resolve: (result: CommandResult) => void } | undefined
  return {
    begin() {
      if (current) throw new Error('A session runs one command at a time.')
      const { promise, resolve } = Promise.withResolvers<CommandResult>()
      current = { markers: 0, exitCode: 0, resolve }
      return promise
    },
    markerSeen(exitCode) {
      if (!current) return undefined
      current.exitCode ||= exitCode
      current.markers += 1
      return current.markers === outputStreams ? current.exitCode : undefined
    },
    finish(result) {
      current?.resolve(result)
      current = undefined
    },
  }
}
