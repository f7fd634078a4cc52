/**
 * A build that failed by the user's doing: a command's status, a build spec, a limit. The message becomes the step's
 * `statusReason`.
 */
export class BuildFailed extends Error {
  /** What the log says, without `!!! `; nothing where the log has said it already. */
  readonly logLines: string[]

  constructor(message: string, logLines: string[] = [message]) {
    super(message)
    this.logLines = logLines
  }
}

/** The failure texts that Amplify marks as the customer's (contract/hosting-behaviour.md §1.9–1.10). */
export function customerError(text: string): BuildFailed {
  return new BuildFailed(text, [`CustomerError: ${text}`])
}
