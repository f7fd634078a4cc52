import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import type { OperationName } from '../../src/api/operation.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { call, type InputMember, inputMembers, type Members, operationNames } from '../support/contract.ts'
import { ordinaryValues } from '../support/member-values.ts'
import { inputFor } from '../support/operation-inputs.ts'
import { isResourceOperation, readBack } from '../support/read-back.ts'

/**
 * Every input member of every operation, made from AWS's model: what is set is what the reply, Get and List answer. Each
 * exception is written once, with its reason. empty-members.test.ts has what absent and empty members do.
 */

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

interface Exception {
  reason: string
  /** Instead of what the model suggests. */
  values?: unknown[]
  /** What an answer holds of a member that was sent; a member that is undefined must be absent. */
  answered?(sent: never): Members
}

const autoBranchDefaults = {
  stage: 'NONE',
  enableAutoBuild: false,
  enableBasicAuth: false,
  enablePerformanceMode: false,
  enablePullRequestPreview: false,
}

/** By the member's name, in all operations that set a resource. */
const exceptions: Record<string, Exception> = {
  accessToken: { reason: 'write-only (contract §2)', answered: () => ({ accessToken: undefined }) },
  oauthToken: { reason: 'write-only (contract §2)', answered: () => ({ oauthToken: undefined }) },
  autoBranchCreationConfig: {
    reason: 'what is not sent is filled, and an empty one is none (contract §2)',
    answered: (sent: Members) => ({
      autoBranchCreationConfig:
        Object.keys(sent).length === 0 ? undefined : { ...autoBranchDefaults, ...sent },
    }),
  },
  subDomainSettings: {
    reason: 'answered with the record that each needs (contract §6)',
    answered: (sent: Members[]) => ({
      subDomains: sent.map((subDomainSetting) => expect.objectContaining({ subDomainSetting }) as Members),
    }),
  },
  certificateSettings: {
    reason: 'answered as certificate; CUSTOM needs an ARN, which AMPLIFY_MANAGED has none of (contract §6)',
    values: [
      { type: 'AMPLIFY_MANAGED' },
      { type: 'CUSTOM', customCertificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/one' },
    ],
    answered: (sent: Members) => ({ certificate: expect.objectContaining(sent) as Members }),
  },
}

const isAddress = ({ location }: InputMember) => location === 'uri'

describe.each(operationNames.filter(isResourceOperation))('%s', (name) => {
  const members = Object.entries(inputMembers(name)).filter(([, member]) => !isAddress(member))

  test.each(members)('%s', async (member, { shape }) => {
    const exception = exceptions[member]
    for (const value of exception?.values ?? ordinaryValues(shape)) {
      const input = { ...(await inputFor(api, name)), [member]: value }
      const views = await readBack(api.client(), name, input)
      const expected = exception?.answered?.(value as never) ?? { [member]: value }
      for (const [from, view] of Object.entries(views)) {
        const answered = Object.fromEntries(Object.keys(expected).map((key) => [key, view[key]]))
        expect({ from, ...answered }).toEqual({ from, ...expected })
      }
    }
  })
})

/** Members of operations that set no resource: what each of them does. */
const effects: Record<string, () => Promise<void>> = {
  'StartJob.jobType': async () => {
    for (const jobType of ['RELEASE', 'WEB_HOOK']) {
      expect(await startedJob({ jobType })).toMatchObject({ jobType, commitId: 'HEAD' })
    }
  },
  'StartJob.jobId': async () => {
    // The number of the job to build again; the new one has a number of its own (docs/compatibility.md).
    const first = await inputFor(api, 'StartJob')
    const { jobSummary } = await call(api.client(), 'StartJob', { ...first, commitMessage: 'the first' })
    const { jobId } = jobSummary as Members
    await call(api.client(), 'StopJob', { ...first, jobId })
    const again = await startedJob({ jobType: 'RETRY', jobId }, first)
    expect(again).toMatchObject({ jobId: '2', jobType: 'RETRY', commitMessage: 'the first' })
  },
  'StartJob.commitId': async () => {
    // Ignored, as on AWS (contract §4).
    expect(await startedJob({ commitId: 'abc' })).toMatchObject({ commitId: 'HEAD' })
  },
  'StartJob.commitMessage': async () => {
    const commitMessage = 'Grüße\nund mehr'
    expect(await startedJob({ commitMessage })).toMatchObject({ commitMessage })
  },
  'StartJob.commitTime': async () => {
    const commitTime = new Date(1_704_164_645_678)
    expect(await startedJob({ commitTime })).toMatchObject({ commitTime })
  },
  'StartJob.jobReason': async () => {
    // No answer of the API has a member for it; it is kept nowhere (docs/compatibility.md).
    const job = await startedJob({ jobReason: 'because' })
    expect(JSON.stringify(job)).not.toContain('because')
  },
  'CreateDeployment.fileMap': async () => {
    const fileMap = { 'index.html': '', 'a/ü b.css': '0123456789abcdef0123456789abcdef' }
    const input = await inputFor(api, 'CreateDeployment')
    const output = await call(api.client(), 'CreateDeployment', { ...input, fileMap })
    expect(Object.keys(output['fileUploadUrls'] as Members)).toEqual(Object.keys(fileMap))
    expect(output['zipUploadUrl']).toBe('')
  },
  'StartDeployment.jobId': async () => {
    const { appId, branchName, jobId } = await inputFor(api, 'StartDeployment')
    const jobIds = [jobId, String(jobId).padStart(10, '0')]
    for (const sent of jobIds) {
      const outcome = call(api.client(), 'StartDeployment', { appId, branchName, jobId: sent })
      if (sent === jobId) expect(await outcome).toMatchObject({ jobSummary: { jobId, status: 'PENDING' } })
      else expect(outcome).rejects.toThrow('Job 1 is PENDING')
    }
  },
  'StartDeployment.sourceUrl': async () => {
    for (const sourceUrl of [
      'https://files.example/a.zip',
      'http://files.example/a.zip',
      's3://bucket/a.zip',
    ]) {
      expect(await startedDeployment({ sourceUrl })).toMatchObject({ sourceUrl, sourceUrlType: 'ZIP' })
    }
  },
  'StartDeployment.sourceUrlType': async () => {
    for (const sourceUrlType of ['ZIP', 'BUCKET_PREFIX']) {
      const source = { sourceUrl: 's3://bucket/site', sourceUrlType }
      expect(await startedDeployment(source)).toMatchObject(source)
    }
  },
  'TagResource.tags': async () => {
    const input = await inputFor(api, 'TagResource')
    await call(api.client(), 'TagResource', input)
    await call(api.client(), 'TagResource', { ...input, tags: { team: 'ops', 'a:b/1': 'Ä b=1' } })
    const { resourceArn } = input
    const { tags } = await call(api.client(), 'ListTagsForResource', { resourceArn })
    expect(tags).toEqual({ team: 'ops', 'a:b/1': 'Ä b=1' })
    const appId = String(resourceArn).split('/')[1]
    expect(await call(api.client(), 'GetApp', { appId })).toMatchObject({ app: { tags } })
  },
  'UntagResource.tagKeys': async () => {
    const { resourceArn } = await inputFor(api, 'UntagResource')
    await call(api.client(), 'TagResource', { resourceArn, tags: { 'a,b': '1', c: '2' } })
    await call(api.client(), 'UntagResource', { resourceArn, tagKeys: ['team', 'a,b', 'never-there'] })
    expect(await call(api.client(), 'ListTagsForResource', { resourceArn })).toEqual({ tags: { c: '2' } })
  },
  'ListBackendEnvironments.environmentName': async () => {
    const { appId } = await inputFor(api, 'CreateBackendEnvironment')
    for (const environmentName of ['dev', 'devtwo']) {
      await call(api.client(), 'CreateBackendEnvironment', { appId, environmentName })
    }
    const listed = await call(api.client(), 'ListBackendEnvironments', { appId, environmentName: 'dev' })
    expect(listed['backendEnvironments']).toMatchObject([{ environmentName: 'dev' }])
    expect(listed['backendEnvironments']).toHaveLength(1)
  },
}

/** The summary that the reply, GetJob and ListJobs agree on. */
async function startedJob(members: Members, resources?: Members): Promise<Members> {
  return agreedSummary('StartJob', { ...(resources ?? (await inputFor(api, 'StartJob'))), ...members })
}

async function startedDeployment(members: Members): Promise<Members> {
  const { appId, branchName } = await inputFor(api, 'CreateDeployment')
  return agreedSummary('StartDeployment', { appId, branchName, ...members })
}

async function agreedSummary(name: OperationName, input: Members): Promise<Members> {
  const { appId, branchName } = input
  const { jobSummary } = (await call(api.client(), name, input)) as { jobSummary: Members }
  const { jobId } = jobSummary
  const { job } = (await call(api.client(), 'GetJob', { appId, branchName, jobId })) as { job: Members }
  expect(job['summary']).toEqual(jobSummary)
  const { jobSummaries } = await call(api.client(), 'ListJobs', { appId, branchName, maxResults: 1 })
  expect(jobSummaries).toEqual([jobSummary])
  return jobSummary
}

const namesResource = (member: string) =>
  ['appId', 'branchName', 'resourceArn', 'nextToken', 'maxResults', 'domainName'].includes(member)

describe('members with an effect of their own', () => {
  test.each(Object.entries(effects))('%s', (_title, check) => check())
})

test('no member of any operation is left out', () => {
  const covered = operationNames.filter(isResourceOperation)
  const left = operationNames
    .filter((name) => !covered.includes(name))
    .flatMap((name) =>
      Object.entries(inputMembers(name))
        .filter(([member, description]) => !isAddress(description) && !namesResource(member))
        .map(([member]) => `${name}.${member}`),
    )
  // foreign-account.test.ts and errors.test.ts name resources, paginators.test.ts pages, access logs have tests of theirs.
  const elsewhere = ['GenerateAccessLogs.startTime', 'GenerateAccessLogs.endTime']
  expect(new Set([...Object.keys(effects), ...elsewhere])).toEqual(new Set(left))
})
