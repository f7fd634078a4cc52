/**
 * A worker in a process of its own, for tests that kill it: `bun worker-process.ts <folder> <executor>`. It works on the
 * database in the folder until it is killed.
 */
import { openJobRuns } from './job-runs.ts'

const [folder, executor] = process.argv.slice(2)
if (folder === undefined || (executor !== 'process' && executor !== 'bubblewrap'))
  throw new Error('which folder?')
await openJobRuns({ folder, executor })
console.log('ready')
await new Promise(() => undefined)
