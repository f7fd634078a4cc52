import { expect, test } from 'bun:test'

import { settings } from '../config.ts'
import { unknownVariables } from './unknown-variables.ts'

test.each([
  ['PREAMP_TRUSTED_PROXYS', 'PREAMP_TRUSTED_PROXIES'],
  ['PREAMP_API_PROT', 'PREAMP_API_PORT'],
  ['PREAMP_SITE_URL', 'PREAMP_SITES_URL'],
  ['PREAMP_DATADIR', 'PREAMP_DATA_DIR'],
])('%s has no effect, and %s is meant', (name, meant) => {
  expect(unknownVariables({ [name]: 'x' })).toEqual([
    `${name} is no setting and has no effect. Is ${meant} meant? docs/configuration.md has every setting.`,
  ])
})

test('what is near to none is named alone', () => {
  expect(unknownVariables({ PREAMP_WEATHER_IN_LISBON: 'x' })).toEqual([
    'PREAMP_WEATHER_IN_LISBON is no setting and has no effect. docs/configuration.md has every setting.',
  ])
})

test('settings, and variables of others, are passed over', () => {
  const own = Object.values(settings).map(({ variable }) => [variable, 'x'])
  expect(unknownVariables({ ...Object.fromEntries(own), PATH: '/bin', PREAMPLIFIER: '1' })).toEqual([])
})
