import type { SignedRequest } from './signed-requests.ts'

/** Requests to send, each once, by so many clients at a time, each of which waits for its answer before it sends the next. */
export interface Load {
  endpoint: string
  clients: number
  requests: SignedRequest[]
}

export interface LoadResult {
  requestsPerSecond: number
  /** How often each status was answered. */
  statuses: Record<string, number>
  /** The body of the last answer that was none of success. */
  refusal?: string
}

/** Sends the load from a process of its own, over connections that are kept. */
export async function sendRequests(load: Load): Promise<LoadResult> {
  const child = Bun.spawn([process.execPath, import.meta.path], {
    stdin: new Blob([JSON.stringify(load)]),
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const output = await child.stdout.text()
  if ((await child.exited) !== 0) throw new Error(`The client ended with ${child.exitCode}`)
  return JSON.parse(output) as LoadResult
}

async function send({ endpoint, clients, requests }: Load): Promise<LoadResult> {
  const statuses: Record<string, number> = {}
  let refusal: string | undefined
  const waiting = requests.values()
  const client = async () => {
    // All clients take from the same iterator.
    for (const { method, target, headers, body } of waiting) {
      const response = await fetch(endpoint + target, { method, headers, ...(body !== '' && { body }) })
      const text = await response.text()
      statuses[response.status] = (statuses[response.status] ?? 0) + 1
      if (!response.ok) refusal = text
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: clients }, client))
  const requestsPerSecond = requests.length / ((performance.now() - start) / 1000)
  return { requestsPerSecond, statuses, ...(refusal !== undefined && { refusal }) }
}

if (import.meta.main) console.log(JSON.stringify(await send((await Bun.stdin.json()) as Load)))
