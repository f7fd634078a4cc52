/** Puts blobs until it is killed, one by one and in batches: `bun blob-writer.ts <folder>`. Prints what it has put. */
import { randomBytes } from 'node:crypto'

import { openDiskBlobs } from '../../src/blobs/disk.ts'

const blobs = await openDiskBlobs(process.argv[2]!)
for (;;) {
  console.log((await blobs.put(randomBytes(50_000))).sha)
  const stored = await blobs.batch((put) =>
    Promise.all(Array.from({ length: 50 }, () => put(new Response(randomBytes(20_000)).body!))),
  )
  for (const { sha } of stored) console.log(sha)
}
