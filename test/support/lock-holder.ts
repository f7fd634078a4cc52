/** Takes the lock of a data directory and holds it until it is killed: `bun lock-holder.ts <data directory>`. */
import { lockDataDirectory } from '../../src/data-directory.ts'

lockDataDirectory(process.argv[2]!)
console.log('locked')
setInterval(() => undefined, 60_000)
