import { expect, test } from 'bun:test'

import { decideDiff, diffQuestion } from './diff-deploy.ts'

const on = { AMPLIFY_DIFF_DEPLOY: 'true' }

test.each([
  ['push', on, '', { compare: 'src' }],
  ['push', on, 'apps/a', { compare: 'apps/a' }],
  ['push', { ...on, AMPLIFY_DIFF_DEPLOY_ROOT: './web/' }, 'apps/a', { compare: 'web' }],
  ['push', { ...on, AMPLIFY_DIFF_DEPLOY_ROOT: '/' }, '', { compare: '' }],
  ['push', { ...on, AMPLIFY_DIFF_DEPLOY_ROOT: '../x' }, '', { build: true, reason: expect.any(String) }],
  ['push', { AMPLIFY_DIFF_DEPLOY: 'false' }, '', { build: true }],
  ['api', on, '', { build: true }],
  ['webhook', on, '', { build: true }],
] as const)('a job started by %s with %j in %j', (trigger, variables, appRoot, expected) => {
  expect(diffQuestion(trigger, variables, appRoot)).toEqual(expected)
})

test.each([
  [{ lastCommitId: 'c', last: 'x', now: 'x' }, true, false],
  [{ lastCommitId: 'c', last: 'x', now: 'y' }, true, true],
  [{ lastCommitId: 'c', last: 'x', now: 'x' }, false, true],
  [{ lastCommitId: undefined, last: undefined, now: 'x' }, true, true],
  [{ lastCommitId: 'c', last: undefined, now: undefined }, true, true],
  [{ lastCommitId: 'c', last: undefined, now: 'x' }, true, true],
])('of %j, live: %p, builds: %p', (versions, isLive, build) => {
  expect(decideDiff('src', versions, isLive).build).toBe(build)
})
