import { listOf, type PolicyDocument, type PolicyStatement } from '../model/policy-document.ts'
import { matchesWildcards } from '../model/wildcards.ts'
import { asksForResourceTags, type ConditionContext, conditionsHold } from './policy-conditions.ts'

export interface PolicyRequest {
  /** As `amplify:GetApp`. */
  action: string
  /** The ARNs of what the action is for: more than one where a resource has two. */
  resources: readonly string[]
  context: ConditionContext
}

/** `denied`: nothing allows it. */
export type Decision = 'allowed' | 'denied' | 'explicitly denied'

/**
 * What IAM decides on a request: a statement that denies goes before all that allow, and what nothing allows is denied.
 * @param policies documents that were checked when they were stored (`policy-schema.ts`)
 */
export function evaluate(policies: readonly PolicyDocument[], request: PolicyRequest): Decision {
  const applying = policies
    .flatMap(({ Statement }) => listOf(Statement))
    .filter((statement) => applies(statement, request))
  if (applying.some(({ Effect }) => Effect === 'Deny')) return 'explicitly denied'
  return applying.length > 0 ? 'allowed' : 'denied'
}

/** Whether any condition of the policies asks for tags of the resource, which must then be read. */
export function needsResourceTags(policies: readonly PolicyDocument[]): boolean {
  return policies
    .flatMap(({ Statement }) => listOf(Statement))
    .flatMap(({ Condition = {} }) => Object.values(Condition))
    .some((expectedByKey) => Object.keys(expectedByKey).some(asksForResourceTags))
}

function applies(statement: PolicyStatement, { action, resources, context }: PolicyRequest): boolean {
  const { Action, NotAction = [], Resource, NotResource = [], Condition = {} } = statement
  const isOneOf = (actions: string | string[]) =>
    listOf(actions).some((pattern) => matchesWildcards(action.toLowerCase(), pattern.toLowerCase()))
  const isOn = (patterns: string | string[]) =>
    listOf(patterns).some((pattern) => resources.some((resource) => matchesWildcards(resource, pattern)))
  return (
    (Action === undefined ? !isOneOf(NotAction) : isOneOf(Action)) &&
    (Resource === undefined ? !isOn(NotResource) : isOn(Resource)) &&
    conditionsHold(Condition, context)
  )
}
