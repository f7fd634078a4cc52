import { describe, expect, test } from 'bun:test'

import { canonicalName, hostOf, isWithin, prefixProblem, wildcardOf } from './domain-names.ts'

test('a domain has one spelling', () => {
  expect(canonicalName('Example.COM.')).toBe('example.com')
  expect(hostOf('', 'example.com')).toBe('example.com')
  expect(hostOf('WWW', 'example.com')).toBe('www.example.com')
  expect(hostOf('*.dev', 'example.com')).toBe('*.dev.example.com')
})

test('a wildcard stands for one label', () => {
  expect(wildcardOf('a.example.com')).toBe('*.example.com')
  expect(wildcardOf('a.b.example.com')).toBe('*.b.example.com')
})

test('a name is within itself and what it ends in, by whole labels', () => {
  expect(isWithin('example.com', 'example.com')).toBe(true)
  expect(isWithin('a.b.example.com', 'example.com')).toBe(true)
  expect(isWithin('badexample.com', 'example.com')).toBe(false)
})

describe('a prefix', () => {
  test.each(['', 'www', 'WWW', 'a.b', 'a.b.c', '*', '*.dev', 'x1-y', 'a'.repeat(63), '1'])('%j', (prefix) => {
    expect(prefixProblem(prefix, 'example.com')).toBeUndefined()
  })

  test.each([
    ['-a', 'labels'],
    ['a-', 'labels'],
    ['a..b', 'labels'],
    ['.a', 'labels'],
    ['a.', 'labels'],
    ['a_b', 'labels'],
    ['a b', 'labels'],
    ['a/b', 'labels'],
    ['grüße', 'labels'],
    ['a'.repeat(64), 'labels'],
    ['dev.*', 'first one'],
    ['a*', 'first one'],
    ['*a', 'first one'],
    ['**', 'first one'],
    ['*.*', 'first one'],
    [Array.from({ length: 8 }, () => 'a'.repeat(31)).join('.'), '253'],
  ])('%j is refused, and it is said why', (prefix, reason) => {
    expect(prefixProblem(prefix, 'example.com')).toContain(reason)
  })
})
