import { expect, test } from 'bun:test'

import {
  appArn,
  backendEnvironmentArn,
  branchArn,
  domainAssociationArn,
  jobArn,
  parseArn,
  webhookArn,
} from './arn.ts'

const scope = { accountId: '123456789012', region: 'eu-west-1' }

test.each([
  [appArn(scope, 'd1'), { kind: 'app', appId: 'd1' }],
  [branchArn(scope, 'd1', 'a/b c'), { kind: 'branch', appId: 'd1', branchName: 'a/b c' }],
  [branchArn(scope, 'd1', 'a/jobs/1'), { kind: 'branch', appId: 'd1', branchName: 'a/jobs/1' }],
  [jobArn(scope, 'd1', 'a/b', 7), { kind: 'job', appId: 'd1', branchName: 'a/b', jobNumber: '0000000007' }],
  [domainAssociationArn(scope, 'd1', 'a.b'), { kind: 'domain-association', appId: 'd1', domainName: 'a.b' }],
  [webhookArn(scope, 'd1', 'w-1'), { kind: 'webhook', appId: 'd1', webhookId: 'w-1' }],
  [
    backendEnvironmentArn(scope, 'd1', 'dev'),
    { kind: 'backend-environment', appId: 'd1', environmentName: 'dev' },
  ],
] as const)('%s names %j', (arn, resource) => {
  expect(parseArn(arn)).toEqual({ ...scope, resource })
})

test.each([
  'arn:aws:amplify:eu-west-1:123456789012:apps/',
  'arn:aws:amplify:eu-west-1:123456789012:apps/d1/',
  'arn:aws:amplify:eu-west-1:123456789012:apps/d1/branches/',
  'arn:aws:amplify:eu-west-1:123456789012:apps/d1/pages/x',
  'arn:aws:amplify:eu-west-1:12:apps/d1',
  'arn:aws:s3:::bucket',
])('%s names nothing', (arn) => {
  expect(parseArn(arn)).toBeUndefined()
})
