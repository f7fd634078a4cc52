import { expect, test } from 'bun:test'

import { quotaPresets } from '../model/quotas.ts'
import { configuredQuotas } from './configured-quotas.ts'
import { readConfig } from './read-config.ts'

test('a quota that is set by itself goes before the preset', () => {
  expect(configuredQuotas(readConfig({}))).toEqual(quotaPresets.generous)
  const environment = { PREAMP_QUOTAS: 'aws', PREAMP_QUOTA_APPS: '0' }
  expect(configuredQuotas(readConfig(environment))).toEqual({ ...quotaPresets.aws, appsMax: 0 })
})
