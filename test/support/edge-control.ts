/**
 * A control process that only keeps edges, for tests that kill it: prints the sites' port and waits.
 * Arguments: the options of `superviseEdges` as JSON, without the log.
 */
import { pino } from 'pino'

import { superviseEdges, type SupervisorOptions } from '../../src/edge/supervisor.ts'

const options = JSON.parse(process.argv[2]!) as Omit<SupervisorOptions, 'log'>
const edges = await superviseEdges({ ...options, log: pino({ level: 'silent' }) })
console.log(edges.port)
process.on('SIGTERM', () => void edges.stop().then(() => process.exit(0)))
// Something to wait for.
setInterval(() => undefined, 60_000)
