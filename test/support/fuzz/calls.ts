import type { OperationName } from '../../../src/api/operation.ts'
import contract from '../../fixtures/contract/amplify-api.json' with { type: 'json' }
import { inputMembers, operationNames } from '../contract.ts'
import { boundValues, ordinaryValues } from '../member-values.ts'
import type { FuzzRequest } from './fuzz-request.ts'
import type { Random } from './random.ts'
import { strangeText, strangeValue } from './strange-values.ts'
import type { Tenant } from './tenants.ts'

/** Calls as clients make them, of any operation of AWS's model and of our own endpoints; some members are strange. */

export function newCall(random: Random, tenants: readonly Tenant[]): FuzzRequest {
  const caller = random.pick(tenants)
  // Mostly its own: what is somebody else's ends at the first look-up.
  const owner = random.chance(0.7) ? caller : random.pick(tenants)
  const make = random.chance(0.8) ? operationCall : random.chance(0.5) ? openCall : signedEndpointCall
  const made = make(random, owner)
  // Whoever has the URL of an open endpoint may see what it leads to.
  const isOpen = make === openCall
  return {
    headers: [],
    body: Buffer.alloc(0),
    reader: isOpen ? owner : caller,
    ...(isOpen ? {} : { signer: caller }),
    ...made,
  }
}

type Made = Pick<FuzzRequest, 'method' | 'target'> & Partial<FuzzRequest>

/** Where much is deleted, most calls end at the first look-up. */
const harmless = operationNames.filter((name) => !name.startsWith('Delete'))

function operationCall(random: Random, owner: Tenant): Made {
  const name = random.pick(random.chance(0.9) ? harmless : operationNames)
  const { method, uri } = contract.operations[name]
  let path: string = uri
  const query = new URLSearchParams()
  const body: Record<string, unknown> = {}
  for (const [member, { location, shape, required }] of Object.entries(inputMembers(name))) {
    if (!required && !random.chance(0.3)) continue
    const value = memberValue(random, owner, name, member, shape)
    if (location === 'uri') path = path.replace(`{${member}}`, encodeURIComponent(textOfValue(value)))
    else if (location === 'body') body[member] = value
    else for (const item of [value].flat()) query.append(member, textOfValue(item))
  }
  return {
    method,
    target: query.size > 0 ? `${path}?${query.toString().replaceAll('+', '%20')}` : path,
    ...(method === 'POST' ? { body: Buffer.from(JSON.stringify(body, wireValue)) } : {}),
  }
}

function memberValue(
  random: Random,
  owner: Tenant,
  operation: OperationName,
  member: string,
  shape: string,
): unknown {
  if (random.chance(0.06)) return strangeValue(random)
  const named = owner.names[member]
  const isNew = operation.startsWith('Create') && member === contractOwnName[operation]
  if (named !== undefined && !isNew) return named
  const bounds = random.chance(0.15) ? boundValues(shape) : []
  return bounds.length > 0 ? random.pick(bounds).value : random.pick(ordinaryValues(shape))
}

/** What a Create operation gives a name of its own. */
const contractOwnName: Partial<Record<OperationName, string>> = {
  CreateBranch: 'branchName',
  CreateDomainAssociation: 'domainName',
  CreateBackendEnvironment: 'environmentName',
}

function textOfValue(value: unknown): string {
  const text =
    value instanceof Date
      ? String(value.getTime() / 1000)
      : typeof value === 'string'
        ? value
        : JSON.stringify(value)
  return text.toWellFormed()
}

/** `JSON.stringify` has made text of a time before it asks. */
const wireValue = (_name: string, value: unknown): unknown =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? Date.parse(value) / 1000 : value

function openCall(random: Random, owner: Tenant): Made {
  const method = random.pick(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS'])
  const known = random.pick([
    '/_preamp/health',
    '/_preamp/',
    '/_preamp/webhooks',
    '/_preamp/transfers',
    ...owner.openTargets,
  ])
  const target = random.chance(0.6) ? known : spoilQuery(random, known)
  const range = random.chance(0.2) ? [['Range', random.pick(ranges)] as [string, string]] : []
  const body = Buffer.from(random.chance(0.5) ? strangeText(random) : '')
  return { method, target, headers: range, ...(method === 'PUT' || method === 'POST' ? { body } : {}) }
}

const ranges = [
  'bytes=0-',
  'bytes=-1',
  'bytes=5-1',
  `bytes=0-${'9'.repeat(400)}`,
  'bytes=0-0,1-1',
  'lines=1',
  'bytes=',
]

function spoilQuery(random: Random, target: string): string {
  const [path, query = ''] = target.split('?')
  const parameters = query.split('&')
  const at = random.below(parameters.length)
  const strange = encodeURIComponent(strangeText(random).toWellFormed())
  const spoil = [
    () => parameters.splice(at, 1),
    () => parameters.push(parameters[at]!),
    () => (parameters[at] = `${parameters[at]!.split('=')[0]}=${strange}`),
    () => parameters.push(`${strange}=${strange}`),
    () => parameters.push('operation=startbuild'),
  ]
  random.pick(spoil)()
  return `${path}?${parameters.join('&')}`
}

function signedEndpointCall(random: Random, { names }: Tenant): Made {
  const value = (name: string) =>
    encodeURIComponent(random.chance(0.8) ? names[name]! : strangeText(random).toWellFormed())
  const domain = `/_preamp/apps/${value('appId')}/domains/${value('domainName')}`
  const webhook = `/_preamp/webhooks/${value('webhookId')}/deliveries`
  const method = random.pick(['GET', 'POST'])
  return {
    method,
    target: random.pick([domain, `${domain}/checks`, `${domain}/verify`, webhook, '/_preamp/audit']),
  }
}
