import { describe, expect, test } from 'bun:test'

import { adminPolicy, deployOnlyPolicy, readOnlyPolicy } from '../model/managed-policies.ts'
import type { PolicyStatement } from '../model/policy-document.ts'
import type { ConditionContext } from './policy-conditions.ts'
import { type Decision, evaluate, needsResourceTags, type PolicyRequest } from './policy.ts'

/** Cases of IAM's own rules (“Policy evaluation logic” and “IAM JSON policy elements” of its user guide). */

const account = 'arn:aws:amplify:us-east-1:000000000000'
const branch = `${account}:apps/d1/branches/feature/x`

const context: ConditionContext = {
  sourceIp: '203.0.113.7',
  now: Date.UTC(2026, 0, 31, 12),
  userName: 'Ci',
  principalArn: 'arn:aws:iam::000000000000:user/Ci',
  region: 'us-east-1',
}

const request = (changes: Partial<PolicyRequest> = {}): PolicyRequest => ({
  action: 'amplify:GetBranch',
  resources: [branch],
  context,
  ...changes,
})

const allow = (statement: Partial<PolicyStatement> = {}): PolicyStatement => {
  const { NotAction, NotResource } = statement
  return {
    Effect: 'Allow',
    ...(NotAction === undefined && { Action: '*' }),
    ...(NotResource === undefined && { Resource: '*' }),
    ...statement,
  }
}

const decide = (...statements: PolicyStatement[]) => evaluate([{ Statement: statements }], request())

describe('statements', () => {
  test.each<[string, PolicyStatement[], Decision]>([
    ['none', [], 'denied'],
    ['all', [allow()], 'allowed'],
    ['the action', [allow({ Action: 'amplify:GetBranch' })], 'allowed'],
    ['the action in another case', [allow({ Action: 'AMPLIFY:getbranch' })], 'allowed'],
    ['one of several actions', [allow({ Action: ['s3:*', 'amplify:Get*'] })], 'allowed'],
    ['the action with ?', [allow({ Action: 'amplify:???Branch' })], 'allowed'],
    ['another action', [allow({ Action: 'amplify:GetBranche' })], 'denied'],
    ['another service', [allow({ Action: 's3:*' })], 'denied'],
    ['all but the action', [allow({ NotAction: 'amplify:get*' })], 'denied'],
    ['all but another action', [allow({ NotAction: ['amplify:List*', 's3:*'] })], 'allowed'],
    ['the resource', [allow({ Resource: branch })], 'allowed'],
    ['the resource in another case', [allow({ Resource: branch.replace('feature', 'Feature') })], 'denied'],
    ['a resource over slashes', [allow({ Resource: `${account}:apps/*/x` })], 'allowed'],
    ['a resource over colons', [allow({ Resource: 'arn:*/branches/feature/?' })], 'allowed'],
    ['a resource before it', [allow({ Resource: `${account}:apps/d1` })], 'denied'],
    ['all but the resource', [allow({ NotResource: [`${account}:apps/d1/*`] })], 'denied'],
    ['all but another resource', [allow({ NotResource: `${account}:apps/d2/*` })], 'allowed'],
    ['a denial alone', [allow({ Effect: 'Deny' })], 'explicitly denied'],
    [
      'a denial before',
      [allow({ Effect: 'Deny', Action: 'amplify:GetBranch' }), allow()],
      'explicitly denied',
    ],
    ['a denial after', [allow(), allow({ Effect: 'Deny', Resource: branch })], 'explicitly denied'],
    [
      'a denial of something else',
      [allow(), allow({ Effect: 'Deny', Action: 'amplify:Delete*' })],
      'allowed',
    ],
    [
      'a denial of all but',
      [allow(), allow({ Effect: 'Deny', NotAction: 'amplify:List*' })],
      'explicitly denied',
    ],
  ])('%s', (_name, statements, expected) => expect(decide(...statements)).toBe(expected))

  test('of several documents count together', () => {
    const deny = allow({ Effect: 'Deny', Resource: branch })
    expect(evaluate([{ Statement: allow() }, { Statement: [deny] }], request())).toBe('explicitly denied')
    expect(evaluate([], request())).toBe('denied')
  })
})

type Conditions = NonNullable<PolicyStatement['Condition']>

const holds = (Condition: Conditions, changes: Partial<ConditionContext> = {}) =>
  evaluate([{ Statement: allow({ Condition }) }], request({ context: { ...context, ...changes } })) ===
  'allowed'

const asking = (key: string) => [{ Statement: allow({ Condition: { StringEquals: { [key]: 'x' } } }) }]

describe('conditions', () => {
  test.each<[Conditions, boolean]>([
    [{}, true],
    [{ StringEquals: { 'aws:username': 'Ci' } }, true],
    [{ StringEquals: { 'AWS:UserName': 'Ci' } }, true],
    [{ StringEquals: { 'aws:username': 'ci' } }, false],
    [{ StringEquals: { 'aws:username': ['x', 'Ci'] } }, true],
    [{ StringEquals: { 'aws:username': 'C?' } }, false],
    [{ StringNotEquals: { 'aws:username': ['x', 'Ci'] } }, false],
    [{ StringNotEquals: { 'aws:username': ['x', 'y'] } }, true],
    [{ StringEqualsIgnoreCase: { 'aws:username': 'cI' } }, true],
    [{ StringNotEqualsIgnoreCase: { 'aws:username': 'cI' } }, false],
    [{ StringLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:user/C?' } }, true],
    [{ StringNotLike: { 'aws:PrincipalArn': '*:user/C?' } }, false],
    [{ StringEquals: { 'aws:RequestedRegion': 'us-east-1' } }, true],
    // All keys and operators must hold.
    [{ StringEquals: { 'aws:username': 'Ci', 'aws:RequestedRegion': 'eu-west-1' } }, false],
    [{ StringEquals: { 'aws:username': 'Ci' }, StringLike: { 'aws:RequestedRegion': 'eu-*' } }, false],
    [{ DateLessThan: { 'aws:CurrentTime': '2026-01-31T12:00:01Z' } }, true],
    [{ DateLessThan: { 'aws:CurrentTime': '2026-01-31T12:00:00Z' } }, false],
    [{ DateLessThanEquals: { 'aws:CurrentTime': '2026-01-31T12:00:00Z' } }, true],
    [{ DateGreaterThan: { 'aws:CurrentTime': '2026-01-31' } }, true],
    [{ DateGreaterThan: { 'aws:CurrentTime': '2026-01-31T13:30:00+02:00' } }, true],
    [{ DateGreaterThanEquals: { 'aws:CurrentTime': '1769860801' } }, false],
    [{ DateEquals: { 'aws:CurrentTime': '1769860800' } }, true],
    [{ DateNotEquals: { 'aws:CurrentTime': '2026-01-31T12:00:00Z' } }, false],
    [{ IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '203.0.113.0/24'] } }, true],
    [{ IpAddress: { 'aws:SourceIp': '203.0.113.8' } }, false],
    [{ NotIpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '203.0.113.0/24'] } }, false],
    [{ NotIpAddress: { 'aws:SourceIp': '2001:db8::/32' } }, true],
    [{ Null: { 'aws:username': 'false' } }, true],
    [{ Null: { 'aws:username': 'true' } }, false],
    [{ Null: { 'aws:TagKeys': 'true' } }, true],
    [{ Null: { 'aws:RequestTag/team': 'false' } }, false],
    // What is absent fails, but for operators that deny, with …IfExists, and for all of nothing.
    [{ StringEquals: { 'aws:RequestTag/team': 'web' } }, false],
    [{ StringNotEquals: { 'aws:RequestTag/team': 'web' } }, true],
    [{ StringEqualsIfExists: { 'aws:RequestTag/team': 'web' } }, true],
    [{ StringEqualsIfExists: { 'aws:username': 'x' } }, false],
    [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': 'team' } }, true],
    [{ 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'team' } }, false],
    [{ 'ForAnyValue:StringNotEquals': { 'aws:TagKeys': 'team' } }, false],
    [{ 'ForAnyValue:StringEqualsIfExists': { 'aws:TagKeys': 'team' } }, true],
    [{ Bool: { 'aws:ResourceTag/open': 'true' } }, false],
  ])('%j: %p', (condition, expected) => expect(holds(condition)).toBe(expected))

  const tags = { requestTags: { team: 'web', Stage: 'test' }, tagKeys: ['team', 'Stage'] }
  test.each<[Conditions, boolean]>([
    [{ StringEquals: { 'aws:RequestTag/team': 'web' } }, true],
    [{ StringEquals: { 'aws:requesttag/TEAM': 'web' } }, true],
    [{ StringEquals: { 'aws:RequestTag/stage': 'prod' } }, false],
    [{ StringEquals: { 'aws:RequestTag/constructor': 'x' } }, false],
    [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'Stage', 'more'] } }, true],
    [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': 'team' } }, false],
    [{ 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['team', 'x'] } }, true],
    [{ 'ForAnyValue:StringLike': { 'aws:TagKeys': 'x*' } }, false],
    [{ 'ForAnyValue:StringNotEquals': { 'aws:TagKeys': 'team' } }, true],
    [{ 'ForAllValues:StringNotEquals': { 'aws:TagKeys': 'team' } }, false],
    [{ Null: { 'aws:TagKeys': 'false' } }, true],
  ])('of a request with tags %j: %p', (condition, expected) => expect(holds(condition, tags)).toBe(expected))

  test('of tags that differ in case alone take the one that is spelt alike', () => {
    const condition = { StringEquals: { 'aws:ResourceTag/team': 'web' } }
    expect(holds(condition, { resourceTags: { TEAM: 'web', team: 'ops' } })).toBe(false)
    expect(holds(condition, { resourceTags: { TEAM: 'ops', team: 'web' } })).toBe(true)
  })

  test('know truth and mapped addresses', () => {
    const open = { Bool: { 'aws:ResourceTag/open': 'TRUE' } }
    expect(holds(open, { resourceTags: { open: 'true' } })).toBe(true)
    expect(holds(open, { resourceTags: { open: 'false' } })).toBe(false)
    expect(holds({ IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }, { sourceIp: '::ffff:127.0.0.1' })).toBe(
      true,
    )
  })

  test('that are not known never open a door', () => {
    expect(() => holds({ ArnLike: { 'aws:PrincipalArn': '*' } })).toThrow('ArnLike is not known')
  })

  test('tell whether tags of the resource must be read', () => {
    expect(needsResourceTags(asking('AWS:resourcetag/team'))).toBe(true)
    expect(needsResourceTags(asking('aws:RequestTag/team'))).toBe(false)
    expect(needsResourceTags([adminPolicy])).toBe(false)
  })
})

test.each([
  [adminPolicy, 'amplify:DeleteApp', branch, 'allowed'],
  [readOnlyPolicy, 'amplify:ListJobs', branch, 'allowed'],
  [readOnlyPolicy, 'amplify:StartJob', branch, 'denied'],
  [readOnlyPolicy, 'amplify:GenerateAccessLogs', branch, 'denied'],
  [deployOnlyPolicy('d1'), 'amplify:CreateDeployment', branch, 'allowed'],
  [deployOnlyPolicy('d1'), 'amplify:GetApp', `${account}:apps/d1`, 'allowed'],
  [deployOnlyPolicy('d1'), 'amplify:DeleteApp', `${account}:apps/d1`, 'denied'],
  [deployOnlyPolicy('d1'), 'amplify:GetApp', `${account}:apps/d12`, 'denied'],
  [deployOnlyPolicy('d1'), 'amplify:CreateDeployment', `${account}:apps/d2/branches/apps/d1/x`, 'denied'],
] as const)('a managed policy: %#', (policy, action, resource, expected) => {
  expect(evaluate([policy], request({ action, resources: [resource] }))).toBe(expected)
})
