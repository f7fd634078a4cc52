/** Ports of the loopback interface that nothing listens on, for programs that cannot look for one themselves. */
export function freePorts(count: number): number[] {
  const probes = Array.from({ length: count }, () =>
    Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => undefined } }),
  )
  // All are held until the last is found, so that none is found twice.
  for (const probe of probes) probe.stop(true)
  return probes.map(({ port }) => port)
}

export function freePort(): number {
  return freePorts(1)[0]!
}
