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
  /** Operator → key → values. */
  Condition?: Record<string, Record<string, string | string[]>>
}

/** Everything, on everything. */
export const adminPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
}
