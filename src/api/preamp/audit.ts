import { z } from 'zod'

import { limits } from '../../model/limits.ts'
import { listAuditEvents } from '../../store/audit-events.ts'
import type { AuditEventRow } from '../../store/schema.ts'
import { pageTokens, takePage } from '../pagination.ts'
import { pageSize } from '../schema.ts'
import { parseInput } from '../validation.ts'
import type { SignedEndpoint } from './endpoints.ts'

const input = z.object({
  nextToken: z.string().optional(),
  maxResults: pageSize(limits.auditPageEventsMax),
})
const tokens = pageTokens('audit', z.object({ createdAt: z.int(), requestId: z.string() }))

/** The calls that changed something in the caller's account and region, or were to: newest first, in pages as the API's lists have. */
export const readAudit: SignedEndpoint = {
  method: 'GET',
  path: '/_preamp/audit',
  permission: ({ accountId, region }) => ({
    action: 'preamp:ListAuditEvents',
    resource: `arn:aws:preamp:${region}:${accountId}:audit`,
  }),
  async handle({ caller, services }, { query }) {
    const asked = Object.fromEntries([...query].map(([name, values]) => [name, values[0]]))
    const { nextToken, maxResults } = parseInput(input, asked) as z.output<typeof input>
    const scope = [caller.accountId, caller.region]
    const rows = await listAuditEvents(services.database.queries, caller, {
      before: tokens.decode(scope, nextToken),
      limit: maxResults + 1,
    })
    const page = takePage(rows, maxResults, ({ createdAt, requestId }) =>
      tokens.encode(scope, { createdAt, requestId }),
    )
    return { events: page.items.map(viewAuditEvent), nextToken: page.nextToken }
  },
}

function viewAuditEvent({ createdAt, ...row }: AuditEventRow): object {
  return { eventTime: new Date(createdAt), ...row }
}
