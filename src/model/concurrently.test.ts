import { expect, test } from 'bun:test'

import { forEachConcurrently } from './concurrently.ts'

test('works on everything, on no more than `width` at a time', async () => {
  let atWork = 0
  let most = 0
  const done: number[] = []
  await forEachConcurrently([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++atWork)
    await new Promise(setImmediate)
    atWork--
    done.push(item)
  })
  expect(most).toBe(3)
  expect(done.toSorted((one, other) => one - other)).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('a failure stops the rest, closes the source, and waits for those at work', async () => {
  const failure = new Error('second')
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const ended: number[] = []
  let closed = false
  async function* items() {
    try {
      for (let item = 1; ; item++) yield item
    } finally {
      closed = true
    }
  }
  const working = forEachConcurrently(items(), 2, async (item) => {
    if (item === 2) {
      queueMicrotask(release)
      throw failure
    }
    await released
    ended.push(item)
  })
  await expect(working).rejects.toBe(failure)
  expect(closed).toBe(true)
  expect(ended).toEqual([1])
})

test('a failing source ends what is at work and is thrown', async () => {
  const failure = new Error('source')
  async function* items() {
    yield 1
    throw failure
  }
  const ended: number[] = []
  const working = forEachConcurrently(items(), 4, async (item) => {
    await Bun.sleep(1)
    ended.push(item)
  })
  await expect(working).rejects.toBe(failure)
  expect(ended).toEqual([1])
})
