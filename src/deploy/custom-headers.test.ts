import { expect, test } from 'bun:test'

import { explainNoHeaders, parseCustomHeaders } from './custom-headers.ts'

const web = 'applications:\n- appRoot: apps/web\n'
const form = 'Headers stand below "customHeaders": a list of patterns with headers.'

test.each([
  [
    `${web}  headers: []\n`,
    'apps/web',
    `Its applications[0] has "appRoot", "headers" and no "customHeaders". ${form}`,
  ],
  [`${web}  customHeaders:\n`, 'apps/web', `Its applications[0] has nothing in "customHeaders". ${form}`],
  ['applications: []\n', 'apps/web', `It has "applications" and no "customHeaders". ${form}`],
  ['{}', '', `It has no "customHeaders". ${form}`],
  [
    '{ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 }',
    '',
    `It has "a", "b", "c", "d", "e", … and no "customHeaders". ${form}`,
  ],
])('%j has nothing for the app in %j, and why is told', (source, appRoot, told) => {
  expect(parseCustomHeaders(source, 'customHttp.yml', appRoot)).toBeUndefined()
  expect(explainNoHeaders(source, appRoot)).toBe(told)
})
