import { z } from 'zod'

import { parseNetwork } from '../../model/addresses.ts'
import { type AppOptions, appOptionsOf } from '../../model/app-options.ts'
import { limits } from '../../model/limits.ts'
import { trailingSlashes } from '../../model/static-lookup.ts'
import { updateApp } from '../../store/apps.ts'
import type { AppRow } from '../../store/schema.ts'
import { appResource } from '../authorization.ts'
import { ownApp } from '../look-up.ts'
import { flag } from '../schema.ts'
import { parseInput } from '../validation.ts'
import type { SignedEndpoint } from './endpoints.ts'

const unset = z.literal('')

function orUnset<Value extends z.ZodType>(value: Value) {
  return z.union([unset, value]).optional()
}

const networks = z
  .string()
  .max(limits.addressListCharactersMax)
  .refine((text) => text.split(',').every((one) => parseNetwork(one.trim())), {
    error: 'must be addresses or networks like 192.0.2.0/24, separated by commas',
  })

/** Absent leaves an option as it is, `""` sets its default again. */
const input = z.strictObject({
  network: orUnset(flag),
  cancelSuperseded: orUnset(flag),
  maintenance: orUnset(flag),
  allowedAddresses: orUnset(networks),
  deniedAddresses: orUnset(networks),
  trailingSlash: orUnset(z.enum(trailingSlashes, { error: `must be one of ${trailingSlashes.join(', ')}` })),
  rewriteMissingOnly: orUnset(flag),
  singlePageStatus200: orUnset(flag),
  notFoundPage: orUnset(flag),
  expressionGroups: orUnset(flag),
  headerConditions: orUnset(flag),
  customRulesFile: orUnset(flag),
  requireIndex: orUnset(flag),
} satisfies Record<keyof AppOptions, z.ZodType>)

const path = '/_preamp/apps/{appId}/options'

export const readAppOptions: SignedEndpoint = {
  method: 'GET',
  path,
  permission: (caller, members) => ({
    action: 'amplify:GetApp',
    ...appResource(caller, { appId: members['appId']! }),
  }),
  async handle({ caller, services }, { members }) {
    return viewOptions(await ownApp(services.database.queries, caller, { appId: members['appId']! }))
  },
}

export const changeAppOptions: SignedEndpoint = {
  method: 'PUT',
  path,
  permission: (caller, members) => ({
    action: 'amplify:UpdateApp',
    ...appResource(caller, { appId: members['appId']! }),
  }),
  async handle({ caller, services }, { members, sent }) {
    const change = parseInput(input, sent) as z.output<typeof input>
    const view = await services.database.transaction(async (transaction) => {
      const app = await ownApp(transaction, caller, { appId: members['appId']! })
      const options = withoutUnset({ ...app.options, ...change })
      await updateApp(transaction, app.appId, { options })
      return viewOptions({ options })
    })
    await services.sitesChanged()
    return view
  },
}

const viewOptions = (app: Pick<AppRow, 'options'>) => ({ options: appOptionsOf(app) })

const withoutUnset = (options: object): Partial<AppOptions> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== ''))
