import { createHash } from 'node:crypto'

/** The variable by which every process of a job can be told from all others, in `/proc/<pid>/environ`. */
export const markVariable = 'PREAMP_JOB_MARK'

/**
 * The name under which the host knows a job's processes: value of {@link markVariable} and name of its cgroup. It follows
 * from the job alone, so that a server that starts after a crash finds what the one before it left.
 * @param instance tells this server's jobs from those of another on the same machine: the path of its data directory
 */
export function jobMark(instance: string, jobKey: string): string {
  return createHash('sha256').update(`${instance}\0${jobKey}`).digest('hex').slice(0, 32)
}

/** The name by which everything of one server is known where its jobs are not, as a label of containers. */
export function instanceMark(instance: string): string {
  return createHash('sha256').update(instance).digest('hex').slice(0, 32)
}
