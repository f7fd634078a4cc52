import { describe, expect, test } from 'bun:test'

import { limits } from '../model/limits.ts'
import { InvalidPolicy, parsePolicyDocument } from './policy-schema.ts'

const document = (statement: object) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'amplify:Get*', Resource: '*', ...statement }],
  })
const condition = (conditions: object) => document({ Condition: conditions })

describe('a policy document', () => {
  test('is stored with lists, and with texts for what JSON writes without quotes', () => {
    const text = condition({
      Null: { 'aws:RequestTag/team': false },
      DateLessThan: { 'aws:CurrentTime': 1800000000 },
    })
    expect(parsePolicyDocument(text)).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['amplify:Get*'],
          Resource: ['*'],
          Condition: {
            Null: { 'aws:RequestTag/team': ['false'] },
            DateLessThan: { 'aws:CurrentTime': ['1800000000'] },
          },
        },
      ],
    })
  })

  test.each([
    '{"Statement":{"Sid":"All","Effect":"Deny","NotAction":["amplify:*"],"NotResource":"arn:aws:amplify:*:*:apps/d1"}}',
    document({ Action: ['cloudformation:*', '*'] }),
    condition({ 'ForAllValues:StringLikeIfExists': { 'aws:TagKeys': ['a', 'b*'] } }),
    condition({ IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '2001:db8::/32', '::1'] } }),
    condition({ StringEquals: { 'AWS:username': 'x' } }),
  ])('is taken: %s', (text) => expect(() => parsePolicyDocument(text)).not.toThrow())

  test.each([
    ['', 'not JSON'],
    ['[]', 'The document: '],
    ['{"Version":"2012-10-17"}', 'Statement'],
    ['{"Statement":[]}', 'Statement: must name at least one'],
    ['{"Version":"2020-01-01","Statement":[]}', 'Version: must be 2012-10-17'],
    [document({ Effect: 'allow' }), 'Statement.0.Effect: must be Allow or Deny'],
    [document({ Principal: '*' }), 'Principal'],
    [document({ Action: undefined }), 'Statement.0: must have one of Action and NotAction'],
    [document({ NotResource: '*' }), 'Statement.0: must have one of Resource and NotResource'],
    [document({ Action: [] }), 'Statement.0.Action: must name at least one'],
    [document({ Action: 'GetApp' }), 'Statement.0.Action.0: must be * or a service and an action'],
    [document({ Resource: ['*', 'apps/d1'] }), 'Statement.0.Resource.1: must be * or an ARN'],
    [document({ Resource: 'arn:aws:amplify:*:*:apps/${aws:username}' }), 'policy variables are not known'],
    [condition({ StringLike: { 'aws:username': '${*}' } }), 'policy variables are not known'],
    [condition({ ArnLike: { 'aws:PrincipalArn': '*' } }), 'ArnLike is not known'],
    [condition({ stringequals: { 'aws:username': 'x' } }), 'stringequals is not known'],
    [condition({ 'ForSomeValues:StringEquals': { 'aws:username': 'x' } }), 'is not known'],
    [condition({ NullIfExists: { 'aws:username': 'true' } }), 'NullIfExists is not known'],
    [condition({ toString: { 'aws:username': 'x' } }), 'toString is not known'],
    [
      condition({ StringEquals: { 'aws:MultiFactorAuthPresent': 'true' } }),
      'aws:MultiFactorAuthPresent is not known',
    ],
    [condition({ StringEquals: { 'aws:RequestTag/': 'x' } }), 'aws:RequestTag/ is not known'],
    [condition({ StringEquals: { 'aws:TagKeys': 'x' } }), 'ForAnyValue:StringEquals'],
    [condition({ StringEquals: { 'aws:username': [] } }), 'must name at least one'],
    [condition({ StringEquals: { 'aws:username': { x: 1 } } }), 'must be a text'],
    [condition({ IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } }), 'must be an IP address'],
    [condition({ DateLessThan: { 'aws:CurrentTime': '2026-02-31' } }), 'must be a time'],
    [condition({ Bool: { 'aws:ResourceTag/x': 'yes' } }), 'must be true or false'],
    [condition({ Null: { 'aws:username': 'yes' } }), 'must be true or false'],
    [
      '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"__proto__":{}}}}',
      '__proto__',
    ],
    [
      '{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}',
      'duplicated mapping key in line 1',
    ],
    [' '.repeat(limits.policyDocumentBytesMax + 1), 'bytes'],
  ])('is refused: %s', (text, reason) => {
    expect(() => parsePolicyDocument(text)).toThrow(InvalidPolicy)
    expect(() => parsePolicyDocument(text)).toThrow(reason)
  })
})
