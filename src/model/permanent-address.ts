import { shortHash } from './display-name.ts'

const dnsLabelCharactersMax = 63

/**
 * The label of a job's permanent address, `<branch>--<job>.<app id>.<suffix>`, at which its deployment is as long as it is kept.
 * A branch whose name leaves no room for the number is cut, and ends in a short hash of its display name, as `branchLabel` does.
 */
export function permanentLabel(displayName: string, jobNumber: number): string {
  const suffix = `--${jobNumber}`
  const room = dnsLabelCharactersMax - suffix.length
  if (displayName.length <= room) return displayName + suffix
  const hash = shortHash(displayName)
  return `${displayName.slice(0, room - hash.length - 1).replace(/-+$/, '')}-${hash}${suffix}`
}

/** What such a label names: `branch` is a display name, or what was made of a long one. */
export interface JobAddress {
  branch: string
  jobNumber: number
}

/** @returns undefined for another label */
export function parsePermanentLabel(label: string): JobAddress | undefined {
  const [, branch, digits] = /^(.+)--([1-9][0-9]{0,9})$/.exec(label) ?? []
  return branch === undefined ? undefined : { branch, jobNumber: Number(digits) }
}

/** How all display names begin that may be cut to what such a label says of the branch; undefined where none was. */
export function cutBeginning(branch: string): string | undefined {
  return /^(.+)-[0-9a-f]{8}$/.exec(branch)?.[1]
}

/** Whether no branch can be called so, as the permanent address of a job may be. */
export function isReservedLabel(displayName: string): boolean {
  return /--[0-9]+$/.test(displayName)
}
