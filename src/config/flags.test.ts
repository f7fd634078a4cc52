import { describe, expect, test } from 'bun:test'

import { flagOf } from './flags.ts'

describe('flags', () => {
  test('have the name of the variable', () => {
    expect(flagOf('apiPort')).toBe('--api-port')
    expect(flagOf('buildMemoryMiB')).toBe('--build-memory-mib')
  })

  test('do not exist for secrets', () => {
    expect(flagOf('secretAccessKey')).toBeUndefined()
    expect(flagOf('databaseUrl')).toBeUndefined()
  })
})
