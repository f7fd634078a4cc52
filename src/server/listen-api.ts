import type { Logger } from 'pino'

import type { Gateway } from '../api/gateway.ts'
import { type HttpServer, listen } from '../api/http-server.ts'
import type { Config } from '../config.ts'
import { hasCode } from '../model/error-code.ts'
import { UsageError } from '../usage-error.ts'

/** @throws {UsageError} where another program has the port */
export async function listenApi(config: Config, { handle }: Gateway, log: Logger): Promise<HttpServer> {
  const { host, apiPort: port } = config
  try {
    return await listen({ host, port, handle, log })
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error
    throw new UsageError(
      `Another program listens on port ${port} of ${host}. Choose another port with PREAMP_API_PORT.`,
    )
  }
}
