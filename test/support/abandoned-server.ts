/**
 * Stands for a server that is killed: opens a session, leaves processes in it, says so, and waits.
 * Arguments: kind of executor, data directory, work folder, script, seconds.
 */
import { type ExecutorCase, openExecutor, openSession } from './executors.ts'

const [kind, dataDirectory, workFolder, script, seconds] = process.argv.slice(2)
const executor = await openExecutor({ kind: kind as ExecutorCase['kind'], cgroups: true }, dataDirectory!)
const session = await openSession(executor, workFolder!)
await session.run(`set -- ${seconds}\n${script}`)
console.log('ready')
await session.run(`sleep ${seconds}`)
