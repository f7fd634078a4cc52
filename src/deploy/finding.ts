/** Something that is not as it should be. */
export interface Finding {
  /** The same for the same trouble, so that a second look can tell whether it lasts. */
  id: string
  /** What is wrong, naming app, branch and job where it has them. */
  problem: string
  /** What its reader does about it. */
  advice: string
  /** Mends what can be mended without a choice, and says what was done. Not to be called beside a running server. */
  repair?(): Promise<string>
}

/** Names a job, or what is left of it, as its user knows it. */
export function nameOf(row: { appId: string; branchName: string; number?: number | undefined }): string {
  const job = row.number === undefined ? '' : `, job ${row.number}`
  return `App ${row.appId}, branch ${row.branchName}${job}`
}
