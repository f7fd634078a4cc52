import { expect, test } from 'bun:test'

import { branchLabel } from './display-name.ts'
import { cutBeginning, isReservedLabel, parsePermanentLabel, permanentLabel } from './permanent-address.ts'

test.each([
  ['main', 7],
  ['x'.repeat(60), 1],
  ['x'.repeat(61), 1],
  [`${'x'.repeat(48)}-${'y'.repeat(14)}`, 1_234_567_890],
])('the label of %s and job %d fits into DNS and leads back', (displayName, jobNumber) => {
  const label = permanentLabel(displayName, jobNumber)
  expect(label.length).toBeLessThanOrEqual(63)
  const parsed = parsePermanentLabel(label)!
  expect(parsed.jobNumber).toBe(jobNumber)
  if (parsed.branch !== displayName) expect(displayName).toStartWith(cutBeginning(parsed.branch)!)
})

test.each(['main', 'main--', 'main--0', 'main--01', 'main--12345678901', '--1', 'main-1'])(
  '%s is no permanent address',
  (label) => expect(parsePermanentLabel(label)).toBeUndefined(),
)

test('no name of a branch makes a label that is reserved', () => {
  for (const name of ['feature--12', 'a--1', 'x--'.repeat(30), `${'y'.repeat(60)}--12`, '--1', '---2']) {
    expect(isReservedLabel(branchLabel(name))).toBe(false)
  }
  expect(isReservedLabel('a--1')).toBe(true)
})
