import { z } from 'zod'

import { buildSettings } from './config/build-settings.ts'
import { edgeSettings } from './config/edge-settings.ts'
import { listenerSettings } from './config/listener-settings.ts'
import { outboundSettings } from './config/outbound-settings.ts'
import { quotaSettings } from './config/quota-settings.ts'
import { recordSettings } from './config/record-settings.ts'
import { setting } from './config/setting.ts'
import { stateSettings } from './config/state-settings.ts'

/** Every setting. `docs/configuration.md` is printed from this table, in its order; a test fails when they differ. */
export const settings = {
  ...listenerSettings,
  ...stateSettings,
  ...buildSettings,
  ...quotaSettings,
  ...edgeSettings,
  ...recordSettings,
  ...outboundSettings,
  logLevel: setting(
    'PREAMP_LOG_LEVEL',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
    'info',
    'Least severe line that the server logs to standard error.',
  ),
} as const

type Settings = typeof settings
export type SettingName = keyof Settings
export type Config = { [Name in SettingName]: z.output<Settings[Name]['schema']> }
