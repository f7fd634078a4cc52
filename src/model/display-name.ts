import { createHash } from 'node:crypto'

const dnsLabelCharactersMax = 63

/**
 * The DNS label under which a branch is served, and its default `displayName`: lower case, every run of
 * other characters a `-` (contract/hosting-behaviour.md §5.1). A label over 63 characters is cut and ends in a
 * short hash of the branch name, so that two long names with one beginning do not collide.
 */
export function branchLabel(branchName: string): string {
  const label = branchName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  if (label === '') return `branch-${shortHash(branchName)}`
  if (label.length <= dnsLabelCharactersMax) return label
  const hash = shortHash(branchName)
  return `${label.slice(0, dnsLabelCharactersMax - hash.length - 1).replace(/-+$/, '')}-${hash}`
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
