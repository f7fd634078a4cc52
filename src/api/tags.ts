import { z } from 'zod'

import type { Queries } from '../store/database.ts'
import { changeTags, readTags, type TagHolder, type Tags } from '../store/tags.ts'
import type { Caller, OperationContext } from './context.ts'
import { BadRequestException, ResourceNotFoundException } from './errors.ts'
import { findOwnTagHolder } from './look-up.ts'
import { operation } from './operation.ts'
import * as shape from './schema.ts'

const tagsMax = 50

export const tagResource = operation('TagResource', {
  input: z.object({ resourceArn: shape.resourceArn, tags: shape.tags }),
  async handle(context, { resourceArn, tags }) {
    await change(context, resourceArn, (current) => {
      const merged = { ...current, ...tags }
      const count = Object.keys(merged).length
      if (count > tagsMax) {
        throw new BadRequestException(
          `The resource ${resourceArn} would have ${count} tags, and may have ${tagsMax}. Remove some with UntagResource first.`,
        )
      }
      return merged
    })
    return {}
  },
})

export const untagResource = operation('UntagResource', {
  input: z.object({ resourceArn: shape.resourceArn, tagKeys: shape.tagKeys }),
  async handle(context, { resourceArn, tagKeys }) {
    const removed = new Set(tagKeys)
    await change(context, resourceArn, (current) =>
      Object.fromEntries(Object.entries(current).filter(([key]) => !removed.has(key))),
    )
    return {}
  },
})

export const listTagsForResource = operation('ListTagsForResource', {
  input: z.object({ resourceArn: shape.resourceArn }),
  async handle({ caller, services }, { resourceArn }) {
    const { queries } = services.database
    const tags = await readTags(queries, await ownTagHolder(queries, caller, resourceArn))
    if (!tags) throw resourceNotFound(resourceArn)
    return { tags }
  },
})

/** Neither tagging nor untagging moves `updateTime`: nothing is known of AWS that says it does. */
async function change(
  { caller, services }: OperationContext,
  resourceArn: string,
  changed: (tags: Tags) => Tags,
): Promise<void> {
  await services.database.transaction(async (transaction) => {
    const holder = await ownTagHolder(transaction, caller, resourceArn)
    if (!(await changeTags(transaction, holder, changed))) throw resourceNotFound(resourceArn)
  })
}

/** @throws {ResourceNotFoundException} also for an ARN of another account or region, and for one that names nothing */
async function ownTagHolder(queries: Queries, caller: Caller, resourceArn: string): Promise<TagHolder> {
  const holder = await findOwnTagHolder(queries, caller, resourceArn)
  if (!holder) throw resourceNotFound(resourceArn)
  return holder
}

const resourceNotFound = (resourceArn: string) =>
  new ResourceNotFoundException(
    `Resource ${resourceArn} not found. Apps, branches, domain associations and webhooks have tags.`,
  )
