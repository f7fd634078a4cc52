import { findAccessKey } from '../../store/access-keys.ts'
import type { Services } from '../context.ts'
import type { HttpResponse } from '../http.ts'

/**
 * `GET /_preamp/health`, without credentials: 200 as soon as requests can be served, which needs the database. It tells also
 * when no job is begun for want of room on the disk.
 */
export async function health({
  database,
  buildShortage,
}: Pick<Services, 'database' | 'buildShortage'>): Promise<HttpResponse> {
  await findAccessKey(database.queries, 'health')
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
    body: JSON.stringify({
      status: 'ok',
      ...((await buildShortage()) && { builds: 'paused: the disk is nearly full' }),
    }),
  }
}
