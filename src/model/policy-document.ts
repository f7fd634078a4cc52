/** An IAM policy document, as AWS's JSON has it (IAM's policy grammar). What is stored has been checked. */
export interface PolicyDocument {
  Version?: string
  Id?: string
  Statement: PolicyStatement | PolicyStatement[]
}

export interface PolicyStatement {
  Sid?: string
  Effect: 'Allow' | 'Deny'
  Action?: string | string[]
  NotAction?: string | string[]
  Resource?: string | string[]
  NotResource?: string | string[]
  /** Operator → key → values: all must hold, by any of their values. */
  Condition?: Record<string, Record<string, string | string[]>>
}

/** A member that may be one value or several, as a list. */
export const listOf = <Value>(value: Value | Value[]): Value[] => (Array.isArray(value) ? value : [value])
