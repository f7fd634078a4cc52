import { expect, test } from 'bun:test'

import { explainLoop, findLoop } from './loops.ts'

const extensions = { headerConditions: false, expressionGroups: true, plainProxies: false }
const isOwnHost = (host: string) => host.endsWith('.d1.localhost') || host === 'own.example'

type Line = [source: string, target: string, status: string, condition?: string]

function loopOf(...lines: Line[]) {
  const rules = lines.map(([source, target, status, condition]) => ({ source, target, status, condition }))
  const loop = findLoop(rules, extensions, isOwnHost)
  return loop && { ...loop, text: explainLoop(loop, rules[loop.index]!) }
}

test.each<[string, Line[], number]>([
  ['a host to itself', [['https://a.example', 'https://a.example', '301']], 0],
  ['a host to its other scheme', [['http://a.example', 'https://a.example', '301']], 0],
  ['a host to a path of its own', [['https://a.example', 'https://a.example/docs/', '302']], 0],
  ['a host in other letters', [['https://A.example', 'https://a.EXAMPLE/x', '301']], 0],
  ['a host to a path', [['https://own.example', 'https://own.example/a', '200']], 0],
  [
    'two hosts in a circle',
    [
      ['/x', '/y', '301'],
      ['https://a.example', 'https://b.example', '301'],
      ['https://b.example', 'https://a.example', '301'],
    ],
    1,
  ],
  [
    'a circle for one country',
    [
      ['https://a.example', 'https://b.example', '301', '<US>'],
      ['https://b.example', 'https://a.example', '301'],
    ],
    0,
  ],
  [
    'a circle by way of a path',
    [
      ['/x', 'https://a.example/home', '301'],
      ['https://a.example', 'https://own.example', '301'],
      ['/home', '/x', '301'],
      ['https://own.example', 'https://a.example', '301'],
    ],
    1,
  ],
  ['a proxy to itself', [['/api/<*>', 'https://main.d1.localhost/api/<*>', '200']], 0],
  ['a proxy of everything', [['/<*>', 'https://own.example/<*>', '200']], 0],
  ['a proxy with a query', [['/a?id=<id>', 'https://own.example/a?id=<id>', '200']], 0],
  ['a proxy by an expression', [['</^\\/api\\/(.*)$/>', 'https://own.example/api/$1', '200']], 0],
  [
    'two proxies in a circle',
    [
      ['/one/<*>', 'https://own.example/two/<*>', '200'],
      ['/two/<*>', 'https://own.example/one/<*>', '200'],
    ],
    0,
  ],
])('%s is a loop', (_name, lines, index) => {
  expect(loopOf(...lines)?.index).toBe(index)
})

test.each<[string, Line[]]>([
  ['a host to another', [['https://a.example', 'https://www.a.example', '301']]],
  [
    'an earlier rule that ends it',
    [
      ['/docs/<*>', '/documents/<*>', '200'],
      ['https://a.example', 'https://a.example/docs', '301'],
    ],
  ],
  [
    'countries that nobody is in at once',
    [
      ['https://a.example', 'https://b.example', '301', '<US>'],
      ['https://b.example', 'https://a.example', '301', '<DE>'],
    ],
  ],
  ['a proxy to another path', [['/api/<*>', 'https://own.example/<*>', '200']]],
  ['a proxy to another server', [['/<*>', 'https://other.example/<*>', '200']]],
  ['a path to itself, which browsers end', [['/a', '/a', '301']]],
  ['a rule that has no effect', [['https://a.example/', 'https://a.example', '301']]],
  [
    'a proxy that an earlier rule keeps from the same address',
    [
      ['/api/x/<*>', '/x/<*>', '200'],
      ['/api/<*>', 'https://own.example/api/x/<*>', '200'],
    ],
  ],
])('%s is none', (_name, lines) => {
  expect(loopOf(...lines)).toBeUndefined()
})

test('the message names the rule, the reason and what to do', () => {
  const redirect = loopOf(['/x', '/y', '301'], ['https://a.example', 'https://a.example/docs', '301'])
  expect(redirect?.text).toBe(
    'The custom rule for "https://a.example", number 2, leads to itself: https://a.example/ is redirected to https://a.example/docs/, which the rules redirect again, without end. A source that names a host stands for all its addresses, of both schemes. Give the rule another host as its target, or a path as its source.',
  )
  expect(loopOf(['/api/<*>', 'https://own.example/api/<*>', '200'])?.text).toBe(
    'The custom rule for "/api/<*>", number 1, leads to itself: for https://own.example/api/x it fetches https://own.example/api/x from this app, where it matches again, without end. Write a path of the site as its target, without a host, or one that the source does not match.',
  )
})

test('any number of rules is looked at in a bounded time', () => {
  const many: Line[] = Array.from({ length: 5000 }, (_, number) => [
    `https://host-${number}.example`,
    `https://host-${number + 1}.example`,
    '301',
  ])
  const slow: Line[] = Array.from({ length: 3000 }, (_, number) => [
    `</(a+)+${number}$/>`,
    'https://own.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    '200',
  ])
  const started = performance.now()
  loopOf(...many)
  loopOf(...slow)
  expect(performance.now() - started).toBeLessThan(5000)
})
