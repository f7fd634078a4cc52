import { z } from 'zod'

import type { AppSecrets, RegistryCredentials } from '../../model/settings.ts'
import { updateApp } from '../../store/apps.ts'
import type { Transaction } from '../../store/database.ts'
import type { AppRow } from '../../store/schema.ts'
import { appResource, type Permission } from '../authorization.ts'
import type { Caller, OperationContext, Services } from '../context.ts'
import { ownApp } from '../look-up.ts'
import { text } from '../schema.ts'
import { parseInput } from '../validation.ts'
import type { EndpointCall, SignedEndpoint } from './endpoints.ts'

/** With what an app's builds pull the image that `_CUSTOM_IMAGE` names. The password is written here, and never answered. */
const path = '/_preamp/apps/{appId}/registry'

const input = z.strictObject({
  server: text({ min: 1, max: 255, pattern: '[A-Za-z0-9.:/_\\[\\]-]+' }),
  // A colon would end it where the engine's file joins it with the password.
  userName: text({ min: 1, max: 255, pattern: '[^:\\x00-\\x1f]+' }),
  password: text({ min: 1, max: 8192, sensitive: true }),
})

export const readRegistry: SignedEndpoint = {
  method: 'GET',
  path,
  permission: permissionTo('amplify:GetApp'),
  async handle({ caller, services }, { members }) {
    const app = await ownApp(services.database.queries, caller, { appId: members['appId']! })
    return viewRegistry(secretsOf(app, services).registry)
  },
}

export const setRegistry: SignedEndpoint = {
  method: 'PUT',
  path,
  permission: permissionTo('amplify:UpdateApp'),
  bodyIsSecret: true,
  handle(context, call) {
    return change(context, call, parseInput(input, call.sent) as z.output<typeof input>)
  },
}

export const deleteRegistry: SignedEndpoint = {
  method: 'DELETE',
  path,
  permission: permissionTo('amplify:UpdateApp'),
  handle: (context, call) => change(context, call, undefined),
}

function permissionTo(action: Permission['action']) {
  return (caller: Caller, members: EndpointCall['members']): Permission => ({
    action,
    ...appResource(caller, { appId: members['appId']! }),
  })
}

function change(
  { caller, services }: OperationContext,
  { members }: EndpointCall,
  registry: RegistryCredentials | undefined,
): Promise<object> {
  return services.database.transaction(async (transaction: Transaction) => {
    const app = await ownApp(transaction, caller, { appId: members['appId']! })
    const { registry: _former, ...others } = secretsOf(app, services)
    const secrets: AppSecrets = { ...others, ...(registry && { registry }) }
    await updateApp(transaction, app.appId, { secrets: services.secrets.seal(secrets) })
    return viewRegistry(registry)
  })
}

function secretsOf(app: AppRow, { secrets }: Services): AppSecrets {
  return app.secrets === null ? {} : secrets.open<AppSecrets>(app.secrets)
}

function viewRegistry(registry: RegistryCredentials | undefined): object {
  return registry ? { registry: { server: registry.server, userName: registry.userName } } : {}
}
