import { findAccessKey } from '../../store/access-keys.ts'
import type { Services } from '../context.ts'
import type { HttpResponse } from '../http.ts'

/** `GET /_preamp/health`, without credentials: 200 as soon as requests can be served, which needs the database. */
export async function health({ database }: Pick<Services, 'database'>): Promise<HttpResponse> {
  await findAccessKey(database.queries, 'health')
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
    body: '{"status":"ok"}',
  }
}
