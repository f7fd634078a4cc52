import { expect, test } from 'bun:test'

import { pino } from 'pino'

import { appRow, branchRow } from '../../test/support/rows.ts'
import { siteDeployment } from '../../test/support/site-deployment.ts'
import type { CustomHeaders } from '../model/manifest.ts'
import type { WrittenRule } from '../model/written-rule.ts'
import { warmPatterns } from '../rules/pattern/warm.ts'
import { compileSite } from './compile-site.ts'
import { decide } from './decide.ts'
import { RuleTrace } from './explain-rules.ts'
import type { Site } from './site.ts'

/** Rules and headers that were written to hold requests up: none does so for more than 5 ms of the processor's time. */

const rulesMax = 1000
const log = pino({ level: 'silent' })

function siteOf(rules: WrittenRule[], customHeaders: CustomHeaders[] = []): Site {
  const app = appRow({ options: { headerConditions: true } })
  app.settings.customRules = rules as never
  const deployment = siteDeployment(['index.html'], { customHeaders })
  const row = { app, branch: branchRow(app.appId), deployment: undefined }
  return compileSite(row, deployment, { plainProxies: false, siteSuffix: 'localhost', log })
}

const many = (rule: (place: number) => Partial<WrittenRule>, count = rulesMax): WrittenRule[] =>
  Array.from({ length: count }, (_, place) => ({
    source: '/<p>',
    target: '/x',
    status: '302',
    ...rule(place),
  }))
const expressions = (expression: string) => many(() => ({ source: `</${expression}/>` }))
const patterns = Array.from({ length: 500 }, (_, place) => ({
  pattern: `${'**a'.repeat(20)}${place}z`,
  headers: [{ key: 'x', value: '1' }],
}))
const long = `/${'a'.repeat(14_000)}`
const segments = '/a'.repeat(7500)
const named = Array.from({ length: 200 }, () => '(?<a>y)').join('|')
const query = `/d?${Array.from({ length: 3000 }, (_, place) => `a${place}`).join('&')}`

test.each([
  ['nested repetitions', siteOf(expressions('(a*)*b')), long],
  ['alternatives that are the same', siteOf(expressions('(a|a)*c')), long],
  ['look-ahead', siteOf(expressions('^(?=.*z)(?=.*y).*$')), long],
  ['look-behind', siteOf(expressions('(?<!a+)q')), long],
  ['counted repetitions', siteOf(expressions('((a{1,100}){1,100}){1,100}q')), long],
  ['back-references', siteOf(expressions(String.raw`(\w+)\1+q`)), long],
  ['a character that is nowhere', siteOf(expressions('z')), long],
  ['patterns of headers', siteOf([], patterns), long],
  ['expressions and patterns of headers', siteOf(expressions('(a*)*b'), patterns), long],
  ['parameters', siteOf(many((place) => ({ source: `/d?z${place}=<v>` }))), query],
  [
    'placeholders',
    siteOf(many(() => ({ source: `/${Array.from({ length: 200 }, (_, n) => `<p${n}>a`).join('')}b` }))),
    long,
  ],
  ['conditions', siteOf(many(() => ({ condition: `<user-agent: ${'*a'.repeat(200)}b>` }))), '/x'],
  [
    'conditions that begin again and again',
    siteOf(many(() => ({ condition: `<user-agent: *${'a'.repeat(2000)}b>` }), 100)),
    '/x',
  ],
  ['countries', siteOf(many(() => ({ source: '/<*>', condition: '<US>' }), 3500)), segments],
  [
    'parameters behind many segments',
    siteOf(many((place) => ({ source: `/<*>?q${place}=<x>` }), 3500)),
    `${segments}?x`,
  ],
  [
    'what is encoded',
    siteOf(many((place) => ({ source: `/x<a>/n${place}` }), 4000)),
    `/x%41${'%c3%a9'.repeat(2000)}/z`,
  ],
  [
    'placeholders in many segments',
    siteOf(many(() => ({ source: `/${'<a>/'.repeat(150)}z` }), 400)),
    `/${'a/'.repeat(150)}y`,
  ],
  [
    'look-aheads in each other',
    siteOf(expressions(String.raw`^\/${'(?='.repeat(90)}(a)*${')'.repeat(90)}z`).slice(0, 100)),
    long,
  ],
  [
    'groups of one name',
    siteOf(expressions(String.raw`^\/(?:${named}|)(?:${String.raw`\k<a>`.repeat(30)}a)*z`).slice(0, 10)),
    long,
  ],
  ['groups with a country', siteOf(many(() => ({ source: '</^(.*)$/>', condition: '<US>' }), 3500)), long],
  ['redirects to themselves', siteOf(many(() => ({ source: '/<a>', target: '/<a>' }), 4000)), long],
  [
    'targets that repeat the path',
    siteOf(many(() => ({ source: '/<*>', target: `/${'<*>'.repeat(600)}` }), 100)),
    long,
  ],
])('%s', (_, site, path) => {
  expect(site.rules.ignored).toEqual([])
  warmPatterns()
  // About 1 ms on a quiet machine, where all of these take less than 5 (docs/security.md). How fast a machine is, and what JSC has
  // compiled by now, is the same for both.
  const wholeBudget = Math.max(leastMilliseconds(plainSearch, long), 1)
  expect(leastMilliseconds(site, path)).toBeLessThan(8 * wholeBudget)
})

/** Takes all the steps that a request has, each of them a plain one. */
const plainSearch = siteOf(expressions('(a*)*b'))

/** Of the processor's time. The machine does other things at the same time: the least is what the work itself takes. */
function leastMilliseconds(site: Site, path: string): number {
  const milliseconds = Array.from({ length: 25 }, () => {
    const before = process.cpuUsage()
    decide(site, {
      method: 'GET',
      url: `http://main.d1.localhost${path}`,
      country: () => undefined,
      header: () => 'a'.repeat(8000),
    })
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  })
  return Math.min(...milliseconds)
}

test('rules that come too late do not match, which is counted once, and explain says it of each', () => {
  const rules = [
    ...many(() => ({ source: '/<a>', target: '/<a>' })),
    { source: '/<*>', target: '/there', status: '404' },
  ]
  const site = siteOf(rules)
  const question = {
    method: 'GET',
    url: `http://main.d1.localhost${long}`,
    country: () => undefined,
    header: () => null,
  }
  // Without rules, the slash is put behind a path that is no file.
  const answer = { kind: 'redirect', status: 301, location: `${long}/`, overruns: 1 }
  expect(decide(site, question)).toMatchObject(answer)

  const trace = new RuleTrace({ own: rules, brought: [] }, { site, method: 'GET', country: undefined })
  expect(decide(site, question, trace)).toMatchObject(answer)
  const reasons = trace.rules().map(({ result, reason }) => `${result}: ${reason}`)
  expect(reasons[0]).toBe('skipped: It would redirect to the address that was asked for.')
  expect(reasons[999]).toBe(
    'skipped: What was looked at before it took as long as a request may take: it is not looked at, which counts as no match.',
  )
})
