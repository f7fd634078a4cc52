import { z } from 'zod'

import { notImplemented } from './not-implemented.ts'
import { operation } from './operation.ts'
import * as shape from './schema.ts'

export const generateAccessLogs = operation('GenerateAccessLogs', {
  input: z.object({
    appId: shape.appId,
    domainName: shape.domainName,
    startTime: shape.timestamp.optional(),
    endTime: shape.timestamp.optional(),
  }),
  handle: notImplemented('GenerateAccessLogs'),
})
