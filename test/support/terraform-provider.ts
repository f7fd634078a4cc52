import type { AmplifyClient } from '@aws-sdk/client-amplify'

import type { OperationName } from '../../src/api/operation.ts'
import { call, type Members } from './contract.ts'
import { type ResourceKind, resources } from './read-back.ts'
import { waitFor } from './wait-for.ts'

/**
 * What the AWS provider of Terraform does with a resource: the calls of contract/terraform-sequences.md, and what it keeps of
 * their answers. Like Go's SDK, the one of JavaScript leaves out what is undefined and sends what is empty.
 */

/** A resource in Terraform's state. */
export interface Managed {
  kind: ResourceKind
  /** Members by which it is read and deleted. */
  address: Members
  /** The fields that are read. */
  state: Members
}

/** The fields that are read of each kind, with what Go has for one that an answer lacks. */
export const unset: Record<ResourceKind, Members> = {
  App: {
    appArn: '',
    autoBranchCreationConfig: undefined,
    autoBranchCreationPatterns: [],
    basicAuthCredentials: '',
    buildSpec: '',
    cacheConfig: undefined,
    computeRoleArn: '',
    customHeaders: '',
    customRules: [],
    defaultDomain: '',
    description: '',
    enableAutoBranchCreation: false,
    enableBasicAuth: false,
    enableBranchAutoBuild: false,
    enableBranchAutoDeletion: false,
    environmentVariables: {},
    iamServiceRoleArn: '',
    jobConfig: undefined,
    name: '',
    platform: '',
    productionBranch: undefined,
    repository: '',
    tags: {},
  },
  Branch: {
    associatedResources: [],
    backendEnvironmentArn: '',
    basicAuthCredentials: '',
    branchArn: '',
    branchName: '',
    customDomains: [],
    description: '',
    destinationBranch: '',
    displayName: '',
    enableAutoBuild: false,
    enableBasicAuth: false,
    enableNotification: false,
    enablePerformanceMode: false,
    enablePullRequestPreview: false,
    enableSkewProtection: false,
    environmentVariables: {},
    framework: '',
    pullRequestEnvironmentName: '',
    sourceBranch: '',
    stage: '',
    tags: {},
    ttl: '',
  },
  DomainAssociation: {
    certificate: undefined,
    certificateVerificationDNSRecord: '',
    domainAssociationArn: '',
    domainName: '',
    enableAutoSubDomain: false,
    subDomains: [],
  },
  Webhook: { appId: '', branchName: '', description: '', webhookArn: '', webhookUrl: '' },
  BackendEnvironment: {
    backendEnvironmentArn: '',
    deploymentArtifacts: '',
    environmentName: '',
    stackName: '',
  },
}

type Address = Pick<Managed, 'kind' | 'address'>

/** What comes between a change and the read after it: for a domain association, the waits. */
type Settle = (resource: Address) => Promise<void>
const atOnce: Settle = () => Promise.resolve()

/** Create, then read: to be told then that there is no such resource is an error. */
export async function create(
  client: AmplifyClient,
  kind: ResourceKind,
  members: Members,
  settle = atOnce,
): Promise<Managed> {
  const { output, key } = resources[kind]
  const reply = (await call(client, `Create${kind}`, members))[output] as Members
  const known: Members = { ...members, ...reply }
  const resource = { kind, address: Object.fromEntries(key.map((member) => [member, known[member]])) }
  await settle(resource)
  return { ...resource, state: await readThere(client, resource) }
}

/** The fields of the resource as they are now, or undefined for one that is dropped from the state. */
export async function read(client: AmplifyClient, { kind, address }: Address): Promise<Members | undefined> {
  const { get, output } = resources[kind]
  const answer = await answerOrGone(client, get, address)
  if (answer === undefined) return undefined
  const found = answer[output] as Members
  return Object.fromEntries(
    Object.entries(unset[kind]).map(([field, nothing]) => [field, found[field] ?? nothing]),
  )
}

async function readThere(client: AmplifyClient, resource: Address): Promise<Members> {
  const state = await read(client, resource)
  if (!state) throw new Error(`There is no ${resource.kind} ${JSON.stringify(resource.address)}`)
  return state
}

/** Update with the members that change, unless only tags do, then read. */
export async function update(
  client: AmplifyClient,
  resource: Managed,
  change: Members,
  settle = atOnce,
): Promise<Managed> {
  const { kind, address, state } = resource
  if (kind === 'BackendEnvironment') throw new Error('Every change makes a backend environment anew')
  const { tags, ...members } = change
  if (tags) await changeTags(client, state, tags as Members)
  if (Object.keys(members).length > 0) await call(client, `Update${kind}`, { ...address, ...members })
  await settle(resource)
  return { kind, address, state: await readThere(client, resource) }
}

async function changeTags(client: AmplifyClient, state: Members, tags: Members): Promise<void> {
  const resourceArn = state['appArn'] ?? state['branchArn']
  const before = state['tags'] as Members
  const tagKeys = Object.keys(before).filter((key) => !(key in tags))
  const set = Object.entries(tags).filter(([key, value]) => before[key] !== value)
  if (tagKeys.length > 0) await call(client, 'UntagResource', { resourceArn, tagKeys })
  if (set.length > 0) await call(client, 'TagResource', { resourceArn, tags: Object.fromEntries(set) })
}

/** @returns false for a resource that was gone already, which is success to Terraform */
export async function destroy(client: AmplifyClient, { kind, address }: Address): Promise<boolean> {
  return (await answerOrGone(client, `Delete${kind}`, address)) !== undefined
}

/** Undefined by the name of the error alone: any other ends the run. */
function answerOrGone(
  client: AmplifyClient,
  name: OperationName,
  address: Members,
): Promise<Members | undefined> {
  return call(client, name, address).catch((error: Error) => {
    if (error.name === 'NotFoundException') return undefined
    throw error
  })
}

/** Statuses of a domain association on which a provider waits on, and those that end the wait well. */
export interface Wait {
  on: string[]
  done: string[]
}

/** After a creation until `created`, then, and after an update, until `verified`; `old` is before the fix of 2024. */
export const waits = {
  old: {
    created: {
      on: ['CREATING', 'IN_PROGRESS', 'REQUESTING_CERTIFICATE'],
      done: ['PENDING_VERIFICATION', 'PENDING_DEPLOYMENT', 'AVAILABLE'],
    },
    verified: {
      on: ['UPDATING', 'IN_PROGRESS', 'PENDING_VERIFICATION'],
      done: ['PENDING_DEPLOYMENT', 'AVAILABLE'],
    },
  },
  new: {
    created: {
      on: ['CREATING', 'IN_PROGRESS', 'REQUESTING_CERTIFICATE', 'IMPORTING_CUSTOM_CERTIFICATE'],
      done: ['PENDING_VERIFICATION', 'PENDING_DEPLOYMENT', 'AVAILABLE', 'AWAITING_APP_CNAME'],
    },
    verified: {
      on: [
        'UPDATING',
        'IN_PROGRESS',
        'PENDING_VERIFICATION',
        'AWAITING_APP_CNAME',
        'IMPORTING_CUSTOM_CERTIFICATE',
      ],
      done: ['PENDING_DEPLOYMENT', 'AVAILABLE'],
    },
  },
} satisfies Record<string, { created: Wait; verified: Wait }>

/**
 * Polls GetDomainAssociation until the wait is done.
 * @throws on a status that is in neither column, with its reason
 */
export async function waitForDomain(
  client: AmplifyClient,
  { address }: Address,
  { on, done }: Wait,
): Promise<void> {
  await waitFor(`${String(address['domainName'])} to be ${done.join(' or ')}`, 30, async () => {
    const { domainAssociation } = await call(client, 'GetDomainAssociation', address)
    const { domainStatus, statusReason } = domainAssociation as { domainStatus: string; statusReason: string }
    if (done.includes(domainStatus)) return true
    if (!on.includes(domainStatus)) throw new Error(`unexpected state ${domainStatus}: ${statusReason}`)
    return false
  })
}
