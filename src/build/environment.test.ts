import { expect, test } from 'bun:test'

import { limits } from '../model/limits.ts'
import { buildEnvironment, buildTimeoutMilliseconds, passedOnVariables } from './environment.ts'

const facts = {
  accountId: '000000000000',
  region: 'eu-west-1',
  appId: 'd1',
  branchName: 'feature/x',
  jobNumber: 7,
  deploymentId: 'the-deployment',
  commitId: 'abc',
  cloneUrl: 'https://git.example.com/site',
}
const none = { server: {}, spec: {}, app: {}, branch: {}, secrets: {} }

test('tells a build what it builds', () => {
  expect(buildEnvironment(facts, none)).toEqual({
    LANG: 'C.UTF-8',
    CI: 'true',
    USER_BRANCH: 'feature/x',
    AWS_APP_ID: 'd1',
    AWS_BRANCH: 'feature/x',
    AWS_BRANCH_ARN: 'arn:aws:amplify:eu-west-1:000000000000:apps/d1/branches/feature/x',
    AWS_CLONE_URL: 'https://git.example.com/site',
    AWS_COMMIT_ID: 'abc',
    AWS_JOB_ID: '0000000007',
    AWS_AMPLIFY_DEPLOYMENT_ID: 'the-deployment',
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
  })
})

test('the narrower variable wins, and none hides what is built', () => {
  const environment = buildEnvironment(facts, {
    server: { A: 'server', B: 'server', C: 'server', D: 'server' },
    spec: { B: 'spec', C: 'spec', D: 'spec', AWS_APP_ID: 'forged' },
    app: { C: 'app', D: 'app' },
    branch: { D: 'branch', CI: 'false', secrets: 'branch' },
    secrets: { TOKEN: 'x' },
  })
  expect(environment).toMatchObject({
    A: 'server',
    B: 'spec',
    C: 'app',
    D: 'branch',
    CI: 'false',
    secrets: '{"TOKEN":"x"}',
    AWS_APP_ID: 'd1',
  })
})

test('passes on what a build needs to reach the outside, without credentials', () => {
  const server = {
    HTTPS_PROXY: 'http://proxy:3128',
    http_proxy: 'http://user:secret@proxy:3128',
    NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
    npm_config_registry: 'https://npm.example.com/',
    NPM_CONFIG_REGISTRY: 'https://token@npm.example.com/',
    PREAMP_SECRET_ACCESS_KEY: 'secret',
    AWS_SECRET_ACCESS_KEY: 'secret',
    PATH: '/bin',
  }
  expect(passedOnVariables(server, undefined)).toEqual({
    HTTPS_PROXY: 'http://proxy:3128',
    NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
    npm_config_registry: 'https://npm.example.com/',
  })
  expect(passedOnVariables(server, ['http_proxy', 'ABSENT'])).toEqual({
    http_proxy: 'http://user:secret@proxy:3128',
  })
})

test.each([
  [undefined, 30],
  ['', 30],
  ['abc', 30],
  ['-5', 30],
  ['1', 5],
  ['45', 45],
  [' 45 ', 45],
  ['500', 120],
])('_BUILD_TIMEOUT %j allows %i minutes', (value, minutes) => {
  const environment: Record<string, string> = value === undefined ? {} : { _BUILD_TIMEOUT: value }
  expect(buildTimeoutMilliseconds(environment, limits)).toBe(minutes * 60_000)
})
