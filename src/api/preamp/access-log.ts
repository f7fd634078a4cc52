import { byteStream } from '../../deploy/byte-stream.ts'
import { readAccessLog } from '../../deploy/read-access-log.ts'
import { isWithin } from '../../model/domain-names.ts'
import { findAppById } from '../../store/apps.ts'
import type { Services } from '../context.ts'
import { NotFoundException } from '../errors.ts'
import type { HttpResponse } from '../http.ts'
import type { AccessLogRange } from '../transfer-urls.ts'

/**
 * Sends the lines of an access log as they are put together, so that there is no length and no range. What the edges have
 * answered until now is in it.
 */
export async function downloadAccessLog(
  { appId, of, from, to }: AccessLogRange,
  { database, accessLogs }: Services,
): Promise<HttpResponse> {
  if (!(await findAppById(database.queries, appId))) {
    throw new NotFoundException('The app of this URL does not exist any more.')
  }
  await accessLogs.written()
  const matches = (host: string) => ('host' in of ? host === of.host : isWithin(host, of.domain))
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/csv',
      'Content-Disposition': `attachment; filename="access-log-${from}-${to}.csv"`,
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'private, no-store',
    },
    body: byteStream(readAccessLog(accessLogs.folder, { appId, from, to, matches })),
  }
}
