import { z } from 'zod'

import { jsonBytes } from '../../model/json-bytes.ts'
import { limits } from '../../model/limits.ts'
import { deleteBuildSecret, listBuildSecrets, setBuildSecret } from '../../store/build-secrets.ts'
import type { Transaction } from '../../store/database.ts'
import { holdApp } from '../../store/quotas.ts'
import type { BuildSecretRow } from '../../store/schema.ts'
import { appResource, branchResource, type Permission } from '../authorization.ts'
import type { Caller, Services } from '../context.ts'
import { LimitExceededException, NotFoundException } from '../errors.ts'
import { ownApp } from '../look-up.ts'
import { branchName, text } from '../schema.ts'
import { parseInput } from '../validation.ts'
import type { EndpointCall, SignedEndpoint } from './endpoints.ts'

/**
 * The secrets of builds: members of the variable `secrets`, for all branches of an app or, with `?branch=`, for one. They are
 * written and deleted here, and never answered. Who may change them is who may change the app's or the branch's variables.
 */
const path = '/_preamp/apps/{appId}/secrets'
const onePath = `${path}/{name}` as const

const address = z.object({
  appId: z.string(),
  branch: branchName.optional(),
  name: text({ min: 1, max: 128, pattern: '[A-Za-z0-9_.-]+' }).optional(),
})
const input = z.strictObject({
  value: text({ min: 1, max: limits.buildSecretCharactersMax, sensitive: true }),
})

export const listSecrets: SignedEndpoint = {
  method: 'GET',
  path,
  permission: (caller, members, query) => permissionTo('Get', caller, members, query),
  async handle({ caller, services }, call) {
    const { appId, branch } = addressOf(call)
    const { queries } = services.database
    await ownApp(queries, caller, { appId })
    const rows = await listBuildSecrets(queries, appId)
    return {
      secrets: rows.filter((row) => branch === undefined || row.branchName === branch).map(viewSecret),
    }
  },
}

export const setSecret: SignedEndpoint = {
  method: 'PUT',
  path: onePath,
  permission: (caller, members, query) => permissionTo('Update', caller, members, query),
  bodyIsSecret: true,
  handle({ caller, services }, call) {
    const { appId, branch = '', name = '' } = addressOf(call)
    const { value } = parseInput(input, call.sent) as z.output<typeof input>
    return services.database.transaction(async (transaction) => {
      await ownApp(transaction, caller, { appId })
      // Of two calls at once the second counts what the first has added.
      if (!(await holdApp(transaction, appId))) throw new NotFoundException(`App ${appId} not found.`)
      const row = {
        appId,
        branchName: branch,
        name,
        value: services.secrets.seal(value),
        updatedAt: services.now(),
      }
      await checkLimits(transaction, row, value, services)
      await setBuildSecret(transaction, row)
      return { secret: viewSecret(row) }
    })
  },
}

export const deleteSecret: SignedEndpoint = {
  method: 'DELETE',
  path: onePath,
  permission: (caller, members, query) => permissionTo('Update', caller, members, query),
  handle({ caller, services }, call) {
    const { appId, branch = '', name = '' } = addressOf(call)
    return services.database.transaction(async (transaction) => {
      await ownApp(transaction, caller, { appId })
      if (!(await deleteBuildSecret(transaction, { appId, branchName: branch, name }))) {
        throw new NotFoundException(`Secret ${name} not found.`)
      }
      return {}
    })
  },
}

function permissionTo(
  verb: 'Get' | 'Update',
  caller: Caller,
  members: EndpointCall['members'],
  query: EndpointCall['query'],
): Permission {
  const appId = members['appId']!
  const branch = query.get('branch')?.[0]
  if (branch === undefined) return { action: `amplify:${verb}App`, ...appResource(caller, { appId }) }
  return { action: `amplify:${verb}Branch`, ...branchResource(caller, { appId, branchName: branch }) }
}

function addressOf({ members, query }: EndpointCall): z.output<typeof address> {
  // The first of several, as for the permission.
  return parseInput(address, { ...members, branch: query.get('branch')?.[0] }) as z.output<typeof address>
}

async function checkLimits(
  transaction: Transaction,
  { appId, branchName: branch, name }: BuildSecretRow,
  value: string,
  { secrets }: Services,
): Promise<void> {
  const others = (await listBuildSecrets(transaction, appId)).filter(
    (row) => row.branchName !== branch || row.name !== name,
  )
  if (others.length >= limits.buildSecretsMax) {
    throw new LimitExceededException(
      `An app and its branches have at most ${limits.buildSecretsMax} secrets. Delete one first.`,
    )
  }
  const beside = others.filter((row) => row.branchName === branch)
  const values = beside.map((row) => [row.name, secrets.open<string>(row.value)] as const)
  if (jsonBytes(Object.fromEntries([...values, [name, value]])) > limits.buildSecretsBytesMax) {
    throw new LimitExceededException(
      `The secrets of ${branch === '' ? 'an app' : 'a branch'} have at most ${limits.buildSecretsBytesMax} bytes together, as JSON. Delete one first, or make this one shorter.`,
    )
  }
}

function viewSecret({ name, branchName: branch, updatedAt }: Omit<BuildSecretRow, 'value'>): object {
  return { name, branchName: branch === '' ? undefined : branch, updateTime: new Date(updatedAt) }
}
