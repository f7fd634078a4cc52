import { freePort } from '../../test/support/free-ports.ts'
import { waitFor } from '../../test/support/wait-for.ts'
import { type SignedRequest, signRequest } from './signed-requests.ts'

/**
 * moto's server, with the operations that are held against ours. moto knows no Amplify: its Managed Service for Prometheus
 * is REST-JSON too, and its workspaces are created, read, listed, changed, deleted and tagged as apps are.
 */
export interface Moto {
  endpoint: string
  /** Requests of one kind; a single one is to be sent as often as is wanted. What they need is made first. */
  requests(kind: Kind, count: number): Promise<SignedRequest[]>
  stop(): Promise<void>
}

export const kinds = ['create', 'get', 'list', 'update', 'delete', 'tag', 'untag', 'list tags'] as const
export type Kind = (typeof kinds)[number]

/** As many as a page of ours is asked for. */
export const listedItems = 20

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number)

/** @returns undefined where moto is not installed */
export async function startMoto(): Promise<Moto | undefined> {
  const program = Bun.which('moto_server')
  if (program === null) return undefined
  const port = freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const child = Bun.spawn([program, '-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  const reset = async () => void (await fetch(`${endpoint}/moto-api/reset`, { method: 'POST' }))
  await waitFor('moto to answer', 60, async () => {
    if (child.exitCode !== null) throw new Error(`moto_server ended with ${child.exitCode}`)
    return reset().then(
      () => true,
      () => false,
    )
  })

  const sign = (method: string, target: string, body: object | '' = '') =>
    signRequest('aps', { method, target, body: body === '' ? '' : JSON.stringify(body) }, endpoint)
  const create = (number: number) =>
    sign('POST', '/workspaces', { alias: `workspace-${number}`, tags: { team: 'a' } })
  async function workspace(number = 0): Promise<{ workspaceId: string; arn: string }> {
    const { method, target, headers, body } = await create(number)
    const response = await fetch(endpoint + target, { method, headers, body })
    return (await response.json()) as { workspaceId: string; arn: string }
  }
  const tagsOf = async () => `/tags/${encodeURIComponent((await workspace()).arn)}`

  const requestsOf: Record<Kind, (count: number) => Promise<SignedRequest[]>> = {
    create: (count) => Promise.all(numbers(count).map(create)),
    get: async () => [await sign('GET', `/workspaces/${(await workspace()).workspaceId}`)],
    list: async () => {
      for (const number of numbers(listedItems)) await workspace(number)
      return [await sign('GET', '/workspaces')]
    },
    update: async () => {
      const target = `/workspaces/${(await workspace()).workspaceId}/alias`
      return [await sign('POST', target, { alias: 'another' })]
    },
    delete: async (count) => {
      const made = await Promise.all(numbers(count).map(workspace))
      return Promise.all(made.map(({ workspaceId }) => sign('DELETE', `/workspaces/${workspaceId}`)))
    },
    tag: async () => [await sign('POST', await tagsOf(), { tags: { team: 'b' } })],
    untag: async () => [await sign('DELETE', `${await tagsOf()}?tagKeys=team`)],
    'list tags': async () => [await sign('GET', await tagsOf())],
  }

  return {
    endpoint,
    async requests(kind, count) {
      await reset()
      return requestsOf[kind](count)
    },
    async stop() {
      child.kill('SIGTERM')
      await child.exited
    },
  }
}
