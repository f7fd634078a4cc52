/** Whether an error carries one of these codes: the system's, as `ENOENT`, or that of a library. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
