import { startPreamp } from './preamp.ts'
import { createPublishedSite } from './published-site.ts'

/**
 * Started in a network in which this machine has the public addresses that it is given: has rules lead to a service that listens on all
 * addresses, and prints, as JSON, how visitors were answered with private addresses refused, and with them allowed.
 */
const addresses = process.argv.slice(2)
const service = Bun.serve({ port: 0, hostname: '::', fetch: () => new Response('for this machine alone') })
const shown: Record<string, string[]> = {}
for (const privateAllowed of ['false', 'true']) {
  const preamp = await startPreamp({
    environment: { PREAMP_PRIVATE_SOURCES: privateAllowed, PREAMP_PROXY_HTTP: 'true' },
  })
  const site = await createPublishedSite(preamp)
  await site.publish({ 'index.html': 'home' })
  const rules = addresses.map(
    (address, at) => [`/${at}`, `http://${address}:${service.port}/`, '200'] as const,
  )
  await site.setRules(...rules.map(([source, target, status]) => ({ source, target, status })))
  for (const [at, address] of addresses.entries()) {
    const answer = await site.visit(`/${at}`)
    ;(shown[address] ??= []).push(`${answer.status} ${answer.ok ? await answer.text() : ''}`.trim())
  }
  await preamp.stop()
}
await service.stop(true)
console.log(JSON.stringify(shown))
process.exit(0)
