/**
 * A process of its own that writes to a SQLite database, to be killed: `bun sqlite-process.ts <url> <work>`.
 * It prints a line when it has opened the database, and one for each thing done.
 */
import { insertApp } from '../../src/store/apps.ts'
import { takeJobNumber } from '../../src/store/branches.ts'
import { openDatabase } from '../../src/store/database.ts'
import { appRow } from './rows.ts'

const [url = '', work = '', argument = ''] = process.argv.slice(2)
const database = await openDatabase(url)
console.log('opened')

if (work === 'insert-apps') {
  // Until it is killed.
  for (;;) {
    const app = appRow()
    await insertApp(database.queries, app)
    console.log(app.appId)
  }
} else if (work === 'take-numbers') {
  for (let count = 0; count < 50; count++) {
    console.log(await database.transaction((transaction) => takeJobNumber(transaction, argument)))
  }
  await database.close()
} else if (work === 'hold') {
  await database.transaction(async (transaction) => {
    await takeJobNumber(transaction, argument)
    console.log('holds the lock')
    await Bun.sleep(Number(process.argv[5]))
  })
  console.log('let go')
  await database.close()
} else {
  throw new Error(`Unknown work ${work}`)
}
