import * as amplify from '@aws-sdk/client-amplify'

import type { Input, OperationName } from '../../src/api/operation.ts'
import { type Kind, listedItems } from './moto.ts'

type AmplifyClient = amplify.AmplifyClient

/** What the inputs are made from. */
export interface World {
  client: AmplifyClient
  /** A Git repository that no build of these calls gets to: the one worker is busy. */
  repository: string
  /** Puts a test artifact into the store, which no operation makes. @returns its id */
  insertArtifact(branch: Branch, jobId: string): Promise<string>
}

export interface Branch {
  appId: string
  branchName: string
}

interface Measured<Name extends OperationName> {
  /** What of moto it is held against. */
  kind: Kind
  /** An input for each call; a single one is used for all of them. What they need is made first. */
  inputs(world: World, count: number): Promise<Input<Name>[]>
}

const tags = { team: 'a' }
const page = { maxResults: listedItems }
const sourceUrl = 'https://example.com/site.zip'

let names = 0
const newName = (prefix: string) => `${prefix}-${names++}`

/** All 37: what each is compared with, and inputs for as many calls as are asked for. */
export const operationInputs: { [Name in OperationName]: Measured<Name> } = {
  CreateApp: {
    kind: 'create',
    inputs: async (_, count) => several(count, () => ({ name: newName('app'), tags })),
  },
  GetApp: { kind: 'get', inputs: async (world) => [{ appId: await newApp(world) }] },
  ListApps: {
    kind: 'list',
    inputs: async (world) => {
      await atOnce(listedItems, () => newApp(world))
      return [page]
    },
  },
  UpdateApp: {
    kind: 'update',
    inputs: async (world) => [{ appId: await newApp(world), description: 'another' }],
  },
  DeleteApp: {
    kind: 'delete',
    inputs: async (world, count) => (await atOnce(count, () => newApp(world))).map((appId) => ({ appId })),
  },

  CreateBranch: {
    kind: 'create',
    inputs: async (world, count) => {
      const appId = await newApp(world)
      return several(count, () => ({ appId, branchName: newName('branch'), tags }))
    },
  },
  GetBranch: { kind: 'get', inputs: async (world) => newBranches(world, 1) },
  ListBranches: {
    kind: 'list',
    inputs: async (world) => [{ appId: (await newBranches(world, listedItems))[0]!.appId, ...page }],
  },
  UpdateBranch: {
    kind: 'update',
    inputs: async (world) => [{ ...(await newBranch(world)), description: 'another' }],
  },
  DeleteBranch: { kind: 'delete', inputs: newBranches },

  StartJob: {
    kind: 'create',
    inputs: async (world, count) =>
      (await newBranches(world, count)).map((branch) => ({ ...branch, jobType: 'RELEASE' as const })),
  },
  GetJob: { kind: 'get', inputs: async (world) => newJobs(world, 1) },
  ListJobs: {
    kind: 'list',
    inputs: async ({ client, ...world }) => {
      const branch = await newBranch({ client, ...world })
      for (let number = 0; number < listedItems; number++)
        await client.send(new amplify.StopJobCommand(await startJob(client, branch)))
      return [{ ...branch, ...page }]
    },
  },
  StopJob: { kind: 'update', inputs: newJobs },
  DeleteJob: { kind: 'delete', inputs: newJobs },

  CreateDeployment: { kind: 'create', inputs: (world, count) => newBranches(world, count, {}) },
  StartDeployment: {
    kind: 'create',
    inputs: async (world, count) =>
      (await newBranches(world, count, {})).map((branch) => ({ ...branch, sourceUrl })),
  },

  ListArtifacts: {
    kind: 'list',
    inputs: async (world) => {
      const [job] = await newJobs(world, 1)
      for (let number = 0; number < listedItems; number++) await world.insertArtifact(job!, job!.jobId)
      return [{ ...job!, ...page }]
    },
  },
  GetArtifactUrl: {
    kind: 'get',
    inputs: async (world) => {
      const [job] = await newJobs(world, 1)
      return [{ artifactId: await world.insertArtifact(job!, job!.jobId) }]
    },
  },

  CreateDomainAssociation: { kind: 'create', inputs: newDomains },
  GetDomainAssociation: { kind: 'get', inputs: async (world) => madeDomains(world, 1) },
  ListDomainAssociations: {
    kind: 'list',
    inputs: async (world) => [{ appId: (await madeDomains(world, listedItems))[0]!.appId, ...page }],
  },
  UpdateDomainAssociation: {
    kind: 'update',
    inputs: async (world) => [{ ...(await madeDomains(world, 1))[0]!, enableAutoSubDomain: false }],
  },
  DeleteDomainAssociation: { kind: 'delete', inputs: madeDomains },

  CreateWebhook: {
    kind: 'create',
    inputs: async (world, count) => {
      const branch = await newBranch(world)
      return several(count, () => ({ ...branch, description: newName('webhook') }))
    },
  },
  GetWebhook: { kind: 'get', inputs: (world) => newWebhooks(world, 1) },
  ListWebhooks: {
    kind: 'list',
    inputs: async (world) => {
      const branch = await newBranch(world)
      await newWebhooks(world, listedItems, branch)
      return [{ appId: branch.appId, ...page }]
    },
  },
  UpdateWebhook: {
    kind: 'update',
    inputs: async (world) => [{ ...(await newWebhooks(world, 1))[0]!, description: 'another' }],
  },
  DeleteWebhook: { kind: 'delete', inputs: newWebhooks },

  CreateBackendEnvironment: {
    kind: 'create',
    inputs: async (world, count) => {
      const appId = await newApp(world)
      return several(count, () => ({ appId, environmentName: newEnvironmentName() }))
    },
  },
  GetBackendEnvironment: { kind: 'get', inputs: (world) => newEnvironments(world, 1) },
  ListBackendEnvironments: {
    kind: 'list',
    inputs: async (world) => [{ appId: (await newEnvironments(world, listedItems))[0]!.appId, ...page }],
  },
  DeleteBackendEnvironment: { kind: 'delete', inputs: newEnvironments },

  ListTagsForResource: { kind: 'list tags', inputs: async (world) => [{ resourceArn: await newArn(world) }] },
  TagResource: {
    kind: 'tag',
    inputs: async (world) => [{ resourceArn: await newArn(world), tags: { team: 'b' } }],
  },
  UntagResource: {
    kind: 'untag',
    inputs: async (world) => [{ resourceArn: await newArn(world), tagKeys: ['team'] }],
  },

  GenerateAccessLogs: {
    kind: 'get',
    inputs: async ({ client, ...world }) => {
      const { appId, branchName } = await newBranch({ client, ...world })
      const { app } = await client.send(new amplify.GetAppCommand({ appId }))
      return [{ appId: app!.appId!, domainName: `${branchName}.${app!.defaultDomain}`.replace(/:\d+$/, '') }]
    },
  },
}

async function newApp({ client }: World, settings: Partial<amplify.CreateAppRequest> = {}): Promise<string> {
  const { app } = await client.send(new amplify.CreateAppCommand({ name: newName('app'), tags, ...settings }))
  return app!.appId!
}

async function newArn({ client }: World): Promise<string> {
  const { app } = await client.send(new amplify.CreateAppCommand({ name: newName('app'), tags }))
  return app!.appArn!
}

/** Branches of one app of their own. An app without a repository takes manual deployments. */
async function newBranches(
  world: World,
  count: number,
  settings: Partial<amplify.CreateAppRequest> = { repository: world.repository },
): Promise<Branch[]> {
  const appId = await newApp(world, settings)
  return atOnce(count, async () => {
    const branch = { appId, branchName: newName('branch') }
    await world.client.send(new amplify.CreateBranchCommand(branch))
    return branch
  })
}

async function newBranch(world: World): Promise<Branch> {
  return (await newBranches(world, 1))[0]!
}

async function newJobs(world: World, count: number): Promise<(Branch & { jobId: string })[]> {
  const branches = await newBranches(world, count)
  return Promise.all(branches.map((branch) => startJob(world.client, branch)))
}

async function startJob(client: AmplifyClient, branch: Branch): Promise<Branch & { jobId: string }> {
  const { jobSummary } = await client.send(new amplify.StartJobCommand({ ...branch, jobType: 'RELEASE' }))
  return { ...branch, jobId: jobSummary!.jobId! }
}

async function newDomains(world: World, count: number) {
  const { appId, branchName } = await newBranch(world)
  return several(count, () => ({
    appId,
    domainName: `${newName('site')}.invalid`,
    subDomainSettings: [{ prefix: 'www', branchName }],
  }))
}

async function madeDomains(world: World, count: number) {
  const domains = await newDomains(world, count)
  await Promise.all(
    domains.map((domain) => world.client.send(new amplify.CreateDomainAssociationCommand(domain))),
  )
  return domains.map(({ appId, domainName }) => ({ appId, domainName }))
}

async function newWebhooks(world: World, count: number, branch?: Branch) {
  const ofBranch = branch ?? (await newBranch(world))
  return atOnce(count, async () => {
    const { webhook } = await world.client.send(new amplify.CreateWebhookCommand(ofBranch))
    return { webhookId: webhook!.webhookId! }
  })
}

async function newEnvironments(world: World, count: number) {
  const appId = await newApp(world)
  return atOnce(count, async () => {
    const environment = { appId, environmentName: newEnvironmentName() }
    await world.client.send(new amplify.CreateBackendEnvironmentCommand(environment))
    return environment
  })
}

/** Lower-case letters alone, ten at the most. */
function newEnvironmentName(): string {
  const digits = String(names++)
  return `e${digits.replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)]!)}`
}

const several = <Item>(count: number, make: () => Item): Item[] => Array.from({ length: count }, make)
const atOnce = <Item>(count: number, make: () => Promise<Item>): Promise<Item[]> =>
  Promise.all(several(count, make))
