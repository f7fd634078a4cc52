import type { Command } from 'commander'

import { runEdgeProcess } from '../edge/process.ts'

/** `preamp edge`: what the server starts to serve the sites. It talks to its parent and is of no use by itself. */
export function register(program: Command): void {
  program.command('edge', { hidden: true }).action(runEdgeProcess)
}
