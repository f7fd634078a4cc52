import type { JobRow } from '../store/schema.ts'

/** Why a worker ends work before it is done: the reason of {@link JobControl.signal}. */
export class JobStopped extends Error {
  readonly why: 'cancelled' | 'lost' | 'shutdown'

  /**
   * @param why `cancelled`: a user's StopJob. `lost`: the job was deleted or another worker holds it. `shutdown`: this
   *   server stops
   */
  constructor(why: 'cancelled' | 'lost' | 'shutdown') {
    super(`The job was stopped: ${why}`)
    this.why = why
  }
}

export interface JobControl {
  /** The worker that holds the job. */
  owner: string
  /** Aborted with a {@link JobStopped}. */
  signal: AbortSignal
}

/** Does a job that was claimed, to its end: when it resolves, the job has one, or is another's. */
export type RunJob = (job: JobRow, control: JobControl) => Promise<void>
