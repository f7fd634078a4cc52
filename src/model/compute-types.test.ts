import { expect, test } from 'bun:test'

import { describeCompute, parseComputeSize, withinMachine } from './compute-types.ts'

const GiB = 1024 ** 3

test('a size is processors, GiB of memory and GiB of disk', () => {
  expect(parseComputeSize('4/8/128')).toEqual({ cpus: 4, memoryBytes: 8 * GiB, diskBytes: 128 * GiB })
})

test.each(['', '4', '4/8', '0/8/128', '4/8/128/1', 'a/8/128', '-1/8/128', '4.5/8/128', '4/8/128 '])(
  '%p is none',
  (text) => expect(parseComputeSize(text)).toBeUndefined(),
)

test('a build gets no more than the machine has, and the log tells what it gets', () => {
  const large = parseComputeSize('8/16/128')!
  const machine = { cpus: 2, memoryBytes: 24 * GiB, diskBytes: 100.5 * GiB }
  expect(describeCompute('LARGE_16GB', withinMachine(large, machine))).toBe(
    'Large build compute type: 16GiB Memory, 2vCPUs, 100GB Disk Space',
  )
  expect(describeCompute('XLARGE_72GB', { ...large, memoryBytes: 0.5 * GiB })).toBe(
    'XLarge build compute type: 512MiB Memory, 8vCPUs, 128GB Disk Space',
  )
})
