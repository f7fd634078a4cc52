import { expect, test } from 'bun:test'

import { pino } from 'pino'

import { appRow, branchRow } from '../../test/support/rows.ts'
import { siteDeployment } from '../../test/support/site-deployment.ts'
import { compileSite } from './compile-site.ts'
import { createDecisions } from './decisions.ts'
import type { Site } from './site.ts'
import { createVisitors } from './visitors.ts'

const findVisitor = createVisitors({
  trustedProxies: [],
  countryHeader: undefined,
  countryOf: undefined,
  endsTls: false,
  sitesPort: undefined,
})

function siteWith(customRules: object[]): Site {
  const app = appRow()
  app.settings.customRules = customRules as never
  const deployment = siteDeployment(['index.html'])
  const log = pino({ level: 'silent' })
  return compileSite({ app, branch: branchRow(app.appId), deployment: undefined }, deployment, {
    plainProxies: false,
    siteSuffix: 'localhost',
    log,
  })
}

const long = 'a'.repeat(600)

test.each([
  ['a file', '/', 'file', true],
  ['a redirect', '/old', 'redirect', true],
  ['what is fetched', '/api/x', 'proxy', true],
  ['nothing', '/none.png', 'not-found', false],
  ['an address with a query', '/?a=1', 'file', false],
  ['a long address', `/page/${long}`, 'file', false],
  ['a redirect to a long address', '/far', 'redirect', false],
  ['what is fetched from a long address', '/deep', 'proxy', false],
  ['what depends on the visitor', '/by', 'redirect', false],
])('%s is remembered as far as it may be', (_, path, kind, isKept) => {
  const site = siteWith([
    { source: '/old', target: '/', status: '301' },
    { source: '/far', target: `/${long}`, status: '302' },
    { source: '/api/<*>', target: 'https://example.com/<*>', status: '200' },
    { source: '/deep', target: `https://example.com/${long}`, status: '200' },
    { source: '/page/<*>', target: '/index.html', status: '200' },
    { source: '/by', target: '/', status: '302', condition: '<DE>' },
    { source: '/by', target: '/', status: '302' },
  ])
  const { decide, forgetUnasked } = createDecisions(() => undefined)
  const ask = () => {
    const request = new Request(`http://main.d1.localhost${path}`)
    return decide(site, request, findVisitor(request, { requestIP: () => null, port: undefined }))
  }
  // An address that comes once may never come again.
  const [, first, second] = [ask(), ask(), ask()]
  expect(first.kind).toBe(kind as never)
  expect(second).toEqual(first)
  expect(second === first).toBe(isKept)
  forgetUnasked()
  expect(ask() === first).toBe(isKept)
  forgetUnasked()
  forgetUnasked()
  expect(ask()).not.toBe(first)
})
