import type { CustomRule } from '@aws-sdk/client-amplify'

import { BadRequestException } from './errors.ts'

const statuses = new Set(['200', '301', '302', '404', '404-200'])

/**
 * Checks what the model's constraints leave open (contract/api-behaviour.md §2). A rule without a status stays without
 * one: Terraform would see a filled default as a difference.
 * @throws {BadRequestException}
 */
export function checkCustomRules(rules: readonly CustomRule[]): void {
  for (const { source, status } of rules) {
    if (status === undefined || statuses.has(status)) continue
    throw new BadRequestException(
      `The status ${JSON.stringify(status)} of the custom rule for ${JSON.stringify(source)} is not one of ${[...statuses].join(', ')}.`,
    )
  }
}
