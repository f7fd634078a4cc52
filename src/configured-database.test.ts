import { expect, test } from 'bun:test'

import { openConfiguredDatabase } from './configured-database.ts'
import { UsageError } from './usage-error.ts'

test('a PostgreSQL that does not answer is named, without the password', async () => {
  const config = { databaseUrl: 'postgres://preamp:hush@127.0.0.1:1/sites' }
  const error = await openConfiguredDatabase(config, { database: '' }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(UsageError)
  expect(String(error)).toContain('The PostgreSQL database sites at 127.0.0.1:1 cannot be opened')
  expect(String(error)).not.toContain('hush')
})
