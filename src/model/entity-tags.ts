/**
 * Whether a list of entity tags (If-Match, If-None-Match) names this one (RFC 9110 §8.8.3.2, §13.1).
 * @param etag strong, with its quotes
 * @param comparison `weak` where a tag that a proxy marked as weak counts too, as in If-None-Match
 */
export function listsEntityTag(header: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((tag) => tag === etag || (comparison === 'weak' && tag === `W/${etag}`))
}
