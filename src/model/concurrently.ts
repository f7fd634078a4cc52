/**
 * Works on every item, at most `width` at a time. The first failure stops the rest, and is thrown once those at work have
 * ended, so that nothing goes on behind the caller's back.
 */
export async function forEachConcurrently<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const atWork = new Set<Promise<void>>()
  const failures: unknown[] = []
  try {
    for await (const item of items) {
      const running = work(item)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => atWork.delete(running))
      atWork.add(running)
      if (atWork.size >= width) await Promise.race(atWork)
      if (failures.length > 0) break
    }
  } finally {
    await Promise.all(atWork)
  }
  if (failures.length > 0) throw failures[0]
}
