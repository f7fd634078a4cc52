/** What a visitor who never stops saw. */
export interface SiteLoad {
  visits(): number
  /** Ends the load; what went wrong, one line for each visit that did. */
  stop(): Promise<string[]>
}

/**
 * Files of one deployment, each of which says on every line which one it is of, and in its last line how it ends: an answer
 * that mixes two deployments, or is cut short, does not look like this.
 */
export function markedFiles(mark: string): Record<string, string> {
  const file = (name: string) => `${name} of ${mark}\n`.repeat(2000) + 'end\n'
  return { 'index.html': file('page'), 'asset.js': file('asset') }
}

/** The mark of an answer's body. @throws when the body is not whole or not of one deployment */
export function markOf(body: string): string {
  const [, name, mark] = /^(page|asset) of (\S+)\n/.exec(body) ?? []
  if (mark === undefined || body !== markedFiles(mark)[name === 'page' ? 'index.html' : 'asset.js']) {
    throw new Error(
      `an answer is cut short or mixes deployments: ${body.slice(0, 80)}… (${body.length} characters)`,
    )
  }
  return mark
}

/**
 * Visits a site from several connections without a pause.
 * @param port read before each visit
 * @param fresh every visit makes a connection of its own
 */
export function loadSite(host: string, port: number, { visitors = 4, fresh = false } = {}): SiteLoad {
  const problems: string[] = []
  let visits = 0
  const stopped = new AbortController()

  async function visitForever(visitor: number): Promise<void> {
    while (!stopped.signal.aborted) {
      const path = (visits + visitor) % 2 === 0 ? '/' : '/asset.js'
      try {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, {
          headers: { host, ...(fresh && { connection: 'close' }) },
          keepalive: !fresh,
        })
        const body = await response.text()
        if (response.status !== 200) problems.push(`${path} answered ${response.status}`)
        else markOf(body)
      } catch (error) {
        problems.push(`${path}: ${String(error)}`)
      }
      visits += 1
    }
  }

  const all = Promise.all(Array.from({ length: visitors }, (_, visitor) => visitForever(visitor)))
  return {
    visits: () => visits,
    async stop() {
      stopped.abort()
      await all
      return problems
    },
  }
}
