import { z } from 'zod'

import { type AppOptions, appOptionsOf } from '../../model/app-options.ts'
import { updateApp } from '../../store/apps.ts'
import type { AppRow } from '../../store/schema.ts'
import { appResource } from '../authorization.ts'
import { ownApp } from '../look-up.ts'
import { flag } from '../schema.ts'
import { parseInput } from '../validation.ts'
import type { SignedEndpoint } from './endpoints.ts'

const unset = z.literal('')

/** Absent leaves an option as it is, `""` sets its default again. */
const input = z.strictObject({
  network: z.union([unset, flag]).optional(),
  cancelSuperseded: z.union([unset, flag]).optional(),
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
  handle({ caller, services }, { members, sent }) {
    const change = parseInput(input, sent) as z.output<typeof input>
    return services.database.transaction(async (transaction) => {
      const app = await ownApp(transaction, caller, { appId: members['appId']! })
      const options = withoutUnset({ ...app.options, ...change })
      await updateApp(transaction, app.appId, { options })
      return viewOptions({ options })
    })
  },
}

const viewOptions = (app: Pick<AppRow, 'options'>) => ({ options: appOptionsOf(app) })

const withoutUnset = (options: object): Partial<AppOptions> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== ''))
