import { expect, test } from 'bun:test'

import { hostOfImage, isImageReference } from './image-reference.ts'

test.each([
  ['node', undefined],
  ['node:22-bookworm', undefined],
  ['team/build__image.x:1', undefined],
  ['registry.example.com/team/build:1', 'registry.example.com'],
  ['registry.example.com:5000/build', 'registry.example.com'],
  ['localhost/build', 'localhost'],
  ['127.0.0.1:5000/build', '127.0.0.1'],
  ['[::1]:5000/build', '::1'],
  [`registry.example.com/build@sha256:${'a'.repeat(64)}`, 'registry.example.com'],
])('%s is an image, of the registry at %s', (reference, host) => {
  expect(isImageReference(reference)).toBeTrue()
  expect(hostOfImage(reference)).toBe(host)
})

test.each([
  '',
  '-v',
  '--privileged',
  'Upper',
  'a b',
  'a:',
  'a@sha256:1',
  '../etc',
  'dir:/etc',
  'oci-archive:/var/lib/x.tar',
  'docker://node',
  'host/a//b',
  'a\nb',
  `a/${'b'.repeat(600)}`,
])('%j is none', (reference) => {
  expect(isImageReference(reference)).toBeFalse()
})
