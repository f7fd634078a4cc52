import { readFileSync } from 'node:fs'

import { publish } from '../../src/deploy/publish.ts'
import { emptyManifest } from '../../src/model/manifest.ts'
import { changeJob } from '../../src/store/jobs.ts'
import { addSite } from '../../test/support/site-rows.ts'
import { createSiteStore } from '../../test/support/site-store.ts'
import { startEdge } from './edge.ts'
import { listOf, median } from './measure.ts'

/**
 * Asks an edge for the first page of each of many sites, none of which is in its memory: until the first byte, and what the
 * process takes when it knows them all.
 */
export async function measureColdSites({ sites, files }: { sites: number; files: number }): Promise<void> {
  const store = await createSiteStore()
  const { database, blobs } = store
  const page = await blobs.put('<h1>Home</h1>')
  const hosts: string[] = []
  for (let site = 0; site < sites; site++) {
    const manifest = emptyManifest()
    manifest.files['index.html'] = page
    for (let file = 1; file < files; file++) {
      const sha = new Bun.CryptoHasher('sha256').update(`${site}/${file}`).digest('hex')
      manifest.files[`assets/section-${file % 40}/page-number-${file}.html`] = { sha, size: file }
    }
    const { appId, job } = await addSite(database)
    await publish({ database, blobs, job, manifest, now: Date.now() })
    await changeJob(database.queries, job.jobKey, ['RUNNING'], { status: 'SUCCEED' })
    hosts.push(`main.${appId}.localhost`)
  }
  const edge = await startEdge(store, 'cold')
  try {
    const milliseconds: number[] = []
    for (const host of hosts) {
      const start = performance.now()
      const response = await fetch(`http://127.0.0.1:${edge.port}/`, { headers: { host } })
      milliseconds.push(performance.now() - start)
      await response.arrayBuffer()
    }
    const sorted = milliseconds.toSorted((one, other) => one - other)
    console.log(
      `first byte of a site that is not in memory, ${sites} sites: median ${median(sorted).toFixed(1)} ms, longest ${listOf(sorted.slice(-3))} ms (claim: at most 10 ms)`,
    )
    const [pid] = pidsOf(store.folder)
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    console.log(
      `memory of the process, ${sites} sites of ${files} files, all visited: ${Math.round(Number(kilobytes) / 1024)} MB (claim: at most 300 MB)`,
    )
  } finally {
    await edge.stop()
    await store.close()
  }
}

function pidsOf(folder: string): number[] {
  const pids: number[] = []
  JSON.parse(readFileSync(`${folder}/cold.json`, 'utf8'), (key, value: unknown) => {
    if (key === 'pid') pids.push(Number(value))
    return value
  })
  return pids
}
