import { z } from 'zod'

import type { WrittenRule } from '../model/written-rule.ts'
import { ruleStatuses } from '../rules/rule.ts'
import { readShape } from './read-yaml.ts'
import { RefusedContent } from './refused-content.ts'

const place = z
  .string({ error: 'must be text' })
  .min(1, { error: 'is empty' })
  .max(2048, { error: 'is longer than 2048 characters' })
const rule = z.strictObject(
  {
    source: place,
    target: place,
    status: z.enum(ruleStatuses, { error: `must be one of ${ruleStatuses.join(', ')}, as text` }).optional(),
    condition: z.string().max(2048, { error: 'is longer than 2048 characters' }).nullish(),
  },
  {
    error: ({ code, keys }) =>
      code === 'unrecognized_keys'
        ? `has the key ${String(keys)}: keys are source, target, status and condition`
        : 'must be an object with source and target',
  },
)
const rules = z.array(rule, { error: 'must be a list of rules, [{"source": …, "target": …, "status": …}]' })

/**
 * Reads rules in the form that Amplify's console shows them in (contract/hosting-behaviour.md §5.3).
 * @param what the file that holds them, for errors
 * @throws {RefusedContent}
 */
export function parseCustomRules(source: string, what: string): WrittenRule[] {
  let document: unknown
  try {
    // Editors of Windows put a byte order mark in front.
    document = JSON.parse(source.replace(/^\uFEFF/, ''))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new RefusedContent(`Unable to parse ${what}: ${error.message}`)
  }
  return readShape(rules, document, what)
}
