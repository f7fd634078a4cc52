import type { Rule } from './rule.ts'
import type { RuleSource } from './source.ts'

/** What of a rule's target is sent as it is written, although it looks as if something were put in its place. */
export function targetWarnings({ source, target }: Pick<Rule, 'source' | 'target'>): string[] {
  const templates = [target.path, target.query, target.fragment]
  const known = new Set(namesOf(source))
  const unknown = new Set(templates.flatMap(({ names }) => names).filter((name) => !known.has(name)))
  const groups = new Set(
    source.kind === 'expression'
      ? templates.flatMap(({ texts }) => texts).flatMap((text) => text.match(/\$[0-9]/g) ?? [])
      : [],
  )
  return [
    ...[...unknown].map((name) => `${name} of its target is not in its source, and stays as it is written.`),
    ...(groups.size === 0
      ? []
      : [
          `${[...groups].join(', ')} of its target stays as it is written: groups count with the option expressionGroups of the app.`,
        ]),
  ]
}

/** The names for which a request gives values. */
function namesOf(source: RuleSource): string[] {
  switch (source.kind) {
    case 'host':
      return []
    case 'expression':
      return Array.from({ length: source.program.groups + 1 }, (_, number) => `$${number}`)
    default:
      return [
        ...source.segments.flatMap(({ names }) => names),
        ...(source.wildcardAfter === undefined ? [] : ['<*>']),
        ...source.query.flatMap((parameter) => ('placeholder' in parameter ? [parameter.placeholder] : [])),
      ]
  }
}
