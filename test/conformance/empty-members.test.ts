import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import type { OperationName } from '../../src/api/operation.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { call, inputMembers, type Members, operationNames } from '../support/contract.ts'
import { ordinaryValue } from '../support/member-values.ts'
import { inputFor } from '../support/operation-inputs.ts'
import { readBack } from '../support/read-back.ts'

/**
 * What an update does with members that are absent, and with `""`, `[]` and `{}`: the tables of contract §2 and §3, and
 * what Terraform sends (contract/terraform-sequences.md). Absent is always unchanged; empty differs by member.
 */

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

interface EmptyMember {
  of: OperationName[]
  member: string
  set: unknown
  /** Sent afterwards, each to a resource of its own. */
  empty: unknown[]
  /** Whether the value is then still there; else `cleared` is answered. */
  outcome: 'unchanged' | 'cleared'
  cleared?: unknown
}

const app: OperationName[] = ['UpdateApp']
const branch: OperationName[] = ['UpdateBranch']
const domain: OperationName[] = ['UpdateDomainAssociation']
const both = [...app, ...branch]

const variables = { A: '1', B: '2' }
const role = 'arn:aws:iam::123456789012:role/domains'
const sentinels = [{ ' ': '' }, { '': '' }]
const config = { stage: 'BETA', environmentVariables: variables, basicAuthCredentials: 'dXNlcjpwYXNz' }
const filledConfig = {
  enableAutoBuild: false,
  enableBasicAuth: false,
  enablePerformanceMode: false,
  enablePullRequestPreview: false,
  ...config,
}

const table: EmptyMember[] = [
  { of: app, member: 'description', set: 'a', empty: [''], outcome: 'unchanged' },
  { of: app, member: 'iamServiceRoleArn', set: 'arn:a', empty: [''], outcome: 'unchanged' },
  { of: both, member: 'buildSpec', set: 'version: 1', empty: [''], outcome: 'unchanged' },
  { of: both, member: 'basicAuthCredentials', set: 'dXNlcjpwYXNz', empty: [''], outcome: 'unchanged' },
  { of: app, member: 'autoBranchCreationPatterns', set: ['a'], empty: [[]], outcome: 'unchanged' },
  { of: both, member: 'environmentVariables', set: variables, empty: [{}], outcome: 'unchanged' },
  {
    of: both,
    member: 'environmentVariables',
    set: variables,
    empty: sentinels,
    outcome: 'cleared',
    cleared: {},
  },
  { of: both, member: 'computeRoleArn', set: 'arn:a', empty: [''], outcome: 'cleared' },
  {
    of: app,
    member: 'customRules',
    set: [{ source: '/a', target: '/b' }],
    empty: [[]],
    outcome: 'cleared',
    cleared: [],
  },
  {
    of: app,
    member: 'customHeaders',
    set: 'customHeaders: []',
    empty: [''],
    outcome: 'cleared',
    cleared: '',
  },
  {
    of: app,
    member: 'repository',
    set: 'https://git.example/a.git',
    empty: [''],
    outcome: 'cleared',
    cleared: '',
  },
  { of: app, member: 'autoBranchCreationConfig', set: config, empty: [{}], outcome: 'unchanged' },
  { of: branch, member: 'description', set: 'a', empty: [''], outcome: 'cleared', cleared: '' },
  { of: branch, member: 'framework', set: 'React', empty: [''], outcome: 'cleared', cleared: '' },
  { of: branch, member: 'pullRequestEnvironmentName', set: 'dev', empty: [''], outcome: 'cleared' },
  { of: branch, member: 'backendEnvironmentArn', set: 'arn:a', empty: [''], outcome: 'cleared' },
  { of: branch, member: 'ttl', set: '60', empty: [''], outcome: 'cleared', cleared: '5' },
  { of: branch, member: 'displayName', set: 'shown', empty: [''], outcome: 'cleared', cleared: 'main' },
  { of: branch, member: 'stage', set: 'BETA', empty: ['NONE'], outcome: 'unchanged' },
  { of: domain, member: 'autoSubDomainIAMRole', set: role, empty: [''], outcome: 'cleared' },
  { of: domain, member: 'autoSubDomainCreationPatterns', set: ['a'], empty: [[]], outcome: 'cleared' },
  { of: ['UpdateWebhook'], member: 'description', set: 'a', empty: [''], outcome: 'cleared', cleared: '' },
]

describe.each(operationNames.filter((name) => name.startsWith('Update')))('%s', (name) => {
  const rows = table.filter(({ of }) => of.includes(name))
  const cases = rows.flatMap(({ member, empty, ...row }) =>
    empty.map((sent) => [member, JSON.stringify(sent), row.outcome, { ...row, member, sent }] as const),
  )

  test.if(cases.length > 0).each(cases)('%s set to %s is %s', async (_member, _sent, _outcome, row) => {
    const { member, set, sent, outcome, cleared } = row
    const resource = await inputFor(api, name)
    await call(api.client(), name, { ...resource, [member]: set })
    const before = await readBack(api.client(), name, resource)
    const views = await readBack(api.client(), name, { ...resource, [member]: sent })
    for (const [from, view] of Object.entries(views)) {
      const expected = outcome === 'unchanged' ? before.reply[member] : cleared
      expect({ from, [member]: view[member] }).toEqual({ from, [member]: expected })
    }
  })

  test('an absent member changes nothing, whatever else is sent', async () => {
    const members = Object.entries(inputMembers(name)).filter(([, { location }]) => location === 'body')
    const resource = await inputFor(api, name)
    const all = Object.fromEntries(members.map(([member, { shape }]) => [member, ordinaryValue(shape)]))
    const { reply } = await readBack(api.client(), name, { ...resource, ...all })
    const { reply: after, get } = await readBack(api.client(), name, resource)
    expect({ ...after, updateTime: undefined }).toEqual({ ...reply, updateTime: undefined })
    expect(get).toEqual(after)
  })
})

describe('variables', () => {
  test('a map that is not empty takes the place of the whole', async () => {
    for (const name of both) {
      const resource = await inputFor(api, name)
      await call(api.client(), name, { ...resource, environmentVariables: variables })
      const { get } = await readBack(api.client(), name, { ...resource, environmentVariables: { C: '3' } })
      expect(get['environmentVariables']).toEqual({ C: '3' })
    }
  })

  test.each(sentinels)('of the automatic configuration are cleared by %j', async (environmentVariables) => {
    const resource = await inputFor(api, 'UpdateApp')
    await call(api.client(), 'UpdateApp', { ...resource, autoBranchCreationConfig: config })
    const change = { ...resource, autoBranchCreationConfig: { ...config, environmentVariables } }
    const { get } = await readBack(api.client(), 'UpdateApp', change)
    expect(get['autoBranchCreationConfig']).toEqual({ ...filledConfig, environmentVariables: {} })
  })

  test.each([{ A: '1', '': 'x' }, { ' ': 'x' }, { '': '', A: '1' }, { AWS_REGION: 'x' }])(
    '%j is refused and changes nothing',
    async (environmentVariables) => {
      for (const name of both) {
        const resource = await inputFor(api, name)
        await call(api.client(), name, { ...resource, environmentVariables: variables })
        const refused = call(api.client(), name, { ...resource, environmentVariables })
        await expect(refused).rejects.toMatchObject({ name: 'BadRequestException' })
        const { get } = await readBack(api.client(), name, resource)
        expect(get['environmentVariables']).toEqual(variables)
      }
    },
  )
})

/** Which members are answered when nothing was said (contract §2, §3, terraform-sequences.md). */
const bare: Record<string, Members> = {
  CreateApp: {
    platform: 'WEB',
    enableBranchAutoBuild: false,
    enableBranchAutoDeletion: false,
    enableBasicAuth: false,
    enableAutoBranchCreation: false,
    customRules: [],
    customHeaders: '',
    environmentVariables: {},
    tags: {},
    description: '',
    repository: '',
    cacheConfig: { type: 'AMPLIFY_MANAGED' },
    jobConfig: { buildComputeType: 'STANDARD_8GB' },
    productionBranch: undefined,
    autoBranchCreationConfig: undefined,
    autoBranchCreationPatterns: undefined,
    repositoryCloneMethod: undefined,
  },
  CreateBranch: {
    stage: 'NONE',
    displayName: 'main',
    enableNotification: false,
    enableAutoBuild: true,
    enableBasicAuth: false,
    enablePullRequestPreview: false,
    enablePerformanceMode: false,
    enableSkewProtection: false,
    totalNumberOfJobs: '0',
    ttl: '5',
    description: '',
    framework: '',
    activeJobId: '',
    customDomains: [],
    environmentVariables: {},
    tags: {},
    backend: {},
  },
}

test.each(Object.entries(bare))('%s with what is required alone', async (name, expected) => {
  const input = await inputFor(api, name as OperationName)
  const { reply, get, list } = await readBack(api.client(), name as OperationName, input)
  for (const view of [reply, get, list]) {
    expect(Object.fromEntries(Object.keys(expected).map((member) => [member, view[member]]))).toEqual(
      expected,
    )
    expect(view['createTime']).toEqual(view['updateTime'])
  }
})
