import type { Logger } from 'pino'

import { type Certificate, type CertificateFiles, readCertificate, watchCertificate } from './certificate.ts'
import { type Handlers, type Listener, openListener } from './listener.ts'

export interface TlsAddress {
  host: string
  port: number
  http2: boolean
  files: CertificateFiles
  /** How long clients of a certificate that was replaced are answered with `Connection: close`. */
  drainMilliseconds: number
}

/**
 * A port for HTTPS. When another certificate takes the place of the one in the files, a second listener shares the port and
 * the first one sends its clients there: Bun changes the certificate of none that is open.
 */
export function openTlsListener(
  { host, port, http2, files, drainMilliseconds }: TlsAddress,
  handlers: Handlers,
  log: Logger,
): Listener {
  const open = (certificate: Certificate): Listener =>
    openListener({ host, port, reusePort: true, http2, certificate }, handlers)
  const current = readCertificate(files)
  let listener = open(current)
  const closing = new Set<Promise<void>>()

  async function close(former: Listener): Promise<void> {
    await former.drain(drainMilliseconds)
    await former.stop()
  }

  function changed(next: Certificate): void {
    const former = listener
    listener = open(next)
    log.info('a new certificate is shown to visitors')
    const closed = close(former).finally(() => closing.delete(closed))
    closing.add(closed)
  }

  const watch = watchCertificate({ files, current, changed, log })
  return {
    port,
    async drain(milliseconds) {
      watch.stop()
      await listener.drain(milliseconds)
    },
    async stop() {
      await Promise.all([...closing, listener.stop()])
    },
  }
}
