import { z } from 'zod'

import { notImplemented } from './not-implemented.ts'
import { operation } from './operation.ts'
import * as shape from './schema.ts'

export const tagResource = operation('TagResource', {
  input: z.object({ resourceArn: shape.resourceArn, tags: shape.tags }),
  handle: notImplemented('TagResource'),
})

export const untagResource = operation('UntagResource', {
  input: z.object({ resourceArn: shape.resourceArn, tagKeys: shape.tagKeys }),
  handle: notImplemented('UntagResource'),
})

export const listTagsForResource = operation('ListTagsForResource', {
  input: z.object({ resourceArn: shape.resourceArn }),
  handle: notImplemented('ListTagsForResource'),
})
