import { limits } from '../model/limits.ts'

/** Ends a WebSocket whose other side pings without end: Bun answers each, and meanwhile nobody else is served. */
export function endAtTooManyPings(socket: WebSocket): void {
  let since = -Infinity
  let count = 0
  socket.addEventListener('ping', () => {
    if (performance.now() - since > 1000) {
      since = performance.now()
      count = 0
    }
    count += 1
    if (count > limits.proxyPingsPerSecondMax) socket.terminate()
  })
}
