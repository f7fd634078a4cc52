import { expect, test } from 'bun:test'

import { oneAtATime } from './one-at-a-time.ts'

test('what is asked for meanwhile, however often, is done once more afterwards', async () => {
  const begun: PromiseWithResolvers<void>[] = []
  const work = oneAtATime(
    () => {
      begun.push(Promise.withResolvers<void>())
      return begun.at(-1)!.promise
    },
    () => true,
  )
  work.ask()
  work.ask()
  work.ask()
  expect(begun).toHaveLength(1)
  for (const times of [2, 2]) {
    const ended = work.current
    begun.at(-1)!.resolve()
    await ended
    expect(begun).toHaveLength(times)
  }
  expect(work.current).toBeUndefined()
})

test('nothing is begun when it may not, not even what was asked for while it might', async () => {
  let [mayBegin, times] = [false, 0]
  const work = oneAtATime(
    async () => void times++,
    () => mayBegin,
  )
  work.ask()
  expect(times).toBe(0)
  mayBegin = true
  work.ask()
  work.ask()
  mayBegin = false
  await work.current
  expect(times).toBe(1)
})
