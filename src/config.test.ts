import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'

import { configurationDocument, configurationFile } from '../scripts/print-configuration.ts'
import { settings } from './config.ts'

describe('docs/configuration.md', () => {
  test('is what scripts/print-configuration.ts prints', async () => {
    expect(readFileSync(configurationFile, 'utf8')).toBe(await configurationDocument())
  })

  test.each(Object.values(settings).map(({ variable }) => variable))('has a row for %s', (variable) => {
    expect(readFileSync(configurationFile, 'utf8')).toContain(`| \`${variable}\``)
  })
})
