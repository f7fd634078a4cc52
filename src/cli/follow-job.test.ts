import { expect, test } from 'bun:test'

import type { Job } from '@aws-sdk/client-amplify'

import { failureOf } from './follow-job.ts'

test('the reason of a failure is that of the step that failed', () => {
  const steps = [
    { stepName: 'BUILD', status: 'SUCCEED' },
    { stepName: 'DEPLOY', status: 'FAILED', statusReason: 'The archive holds a link' },
  ]
  expect(failureOf({ steps } as unknown as Job)).toBe('DEPLOY: The archive holds a link')
})
