import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import type { OperationName } from '../../src/api/operation.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { failureOf, inputMembers, operationNames } from '../support/contract.ts'
import { databaseContent } from '../support/database-content.ts'
import { type BoundValue, boundValues } from '../support/member-values.ts'
import { inputFor } from '../support/operation-inputs.ts'

/**
 * Each constraint of AWS's model through the front door: the value at its bound is taken, the first one past it is
 * refused by its type and name, and then nothing has changed. constraints.test.ts compares more values, without calls.
 */

interface Difference {
  shapes: string[]
  /** Part of the bound's name. */
  bound: string
  reason: string
}

/** Past a bound of the model and yet taken. */
const takenPast: Difference[] = [
  {
    shapes: ['MaxResults', 'MaxResultsForListApps'],
    bound: 'maximum',
    reason: 'old clients ask any list for 100: clamped',
  },
  {
    shapes: ['AccessToken', 'BuildSpec'],
    bound: 'minLength',
    reason: 'how Terraform says that one is not set any more',
  },
]

/** At a bound of the model, and refused with a reason of its own: what the value would do is impossible. */
const refusedAt: Difference[] = [
  { shapes: ['DisplayName'], bound: 'maxLength', reason: 'a label of a host has at most 63 characters' },
  {
    shapes: ['EnvironmentName'],
    bound: 'Length',
    reason: 'two to ten lower-case letters (contract §8)',
  },
  { shapes: ['DomainPrefix'], bound: 'maxLength', reason: 'a label of a host has at most 63 characters' },
  {
    shapes: ['BranchName'],
    bound: '[].branchName',
    reason: 'a sub-domain points to a branch that is there (contract §6)',
  },
  { shapes: ['CertificateType'], bound: 'CUSTOM', reason: 'CUSTOM needs an ARN (contract §6)' },
  { shapes: ['Status'], bound: 'Length', reason: 'statuses of rules are five (contract §2)' },
  { shapes: ['JobType'], bound: 'MANUAL', reason: 'StartJob does not start manual jobs (contract §4)' },
  { shapes: ['JobType'], bound: 'RETRY', reason: 'RETRY must name a job (contract §4)' },
  { shapes: ['NextToken'], bound: 'maxLength', reason: 'no list has answered that token' },
  {
    shapes: ['SourceUrl', 'SourceUrlType'],
    bound: '',
    reason: 'StartDeployment starts either a job or a source',
  },
]
const used = new Set<Difference>()

function differs(list: Difference[], { shape, bound }: BoundValue): boolean {
  const row = list.find((difference) => difference.shapes.includes(shape) && bound.includes(difference.bound))
  if (row) used.add(row)
  return row !== undefined
}

const cases = (name: OperationName) =>
  Object.entries(inputMembers(name)).flatMap(([member, { shape }]) =>
    boundValues(shape).map((bound): [string, string, BoundValue] => [
      `${member} ${bound.isPast ? 'past' : 'at'} ${bound.bound}`,
      member,
      bound,
    ]),
  )

describe.each(operationNames)('%s', (name) => {
  let api: TestApi
  beforeAll(async () => {
    api = await startApi()
  })
  afterAll(() => api.stop())

  test.each(cases(name))('%s', async (_title, member, bound) => {
    const input = { ...(await inputFor(api, name)), [member]: bound.value }
    const before = await databaseContent(api)
    const failure = await failureOf(api.client(), name, input)
    if (bound.isPast && !differs(takenPast, bound)) {
      if (inputMembers(name)[member]!.location === 'uri' && bound.value === '') {
        expect(failure).toMatchObject({ name: 'UnknownOperationException', status: 404 })
        return
      }
      expect(failure).toMatchObject({ name: 'BadRequestException', status: 400 })
      expect(failure!.message).toMatch(/validation errors? detected: .*failed to satisfy constraint: /)
      expect(failure!.message).toContain(`at '${member}`)
      expect(await databaseContent(api)).toEqual(before)
    } else if (failure) {
      expect(failure.message).not.toContain('validation error')
      if (failure.name === 'BadRequestException')
        expect([failure.message, differs(refusedAt, bound)]).toEqual([failure.message, true])
      else expect(failure.name).toMatch(/^(Resource)?NotFoundException$/)
      expect(await databaseContent(api)).toEqual(before)
    }
  })
})

test('every difference listed here is one', () => {
  const unused = [...takenPast, ...refusedAt].filter((row) => !used.has(row))
  expect(unused).toEqual([])
})
