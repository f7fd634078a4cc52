import { hasCode } from '../model/error-code.ts'
import { limits } from '../model/limits.ts'

/** A Git command that failed. `detail` is what Git itself said, for the user to read. */
export class GitFailed extends Error {
  readonly detail: string
  readonly stderr: string

  constructor(detail: string, stderr: string) {
    super(detail)
    this.detail = detail
    this.stderr = stderr
  }
}

export interface GitOptions {
  /** The whole environment of the command. */
  environment: Record<string, string>
  cwd: string
  signal: AbortSignal
  memoryBytesMax?: number
}

/**
 * Runs Git to its end.
 * @returns what it wrote to stdout, 1 MiB at most
 * @throws {GitFailed} when it fails; the signal's reason when it was stopped, with its helpers
 */
export async function runGit(args: string[], options: GitOptions): Promise<Buffer> {
  const { signal } = options
  signal.throwIfAborted()
  const child = Bun.spawn([...withinMemory(options), 'git', ...args], {
    cwd: options.cwd,
    env: options.environment,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    // A group of its own, so that helpers such as git-remote-https end with it.
    detached: true,
  })
  const kill = () => killGroup(child.pid)
  signal.addEventListener('abort', kill)
  try {
    const [stdout, stderr, exitCode] = await Promise.all([
      readSome(child.stdout),
      readSome(child.stderr),
      child.exited,
    ])
    signal.throwIfAborted()
    if (exitCode === 0) return stdout
    const text = stderr.toString('utf8')
    throw new GitFailed(mostTelling(text) ?? `git ended with status ${exitCode}`, text)
  } finally {
    signal.removeEventListener('abort', kill)
    if (child.exitCode === null && child.signalCode === null) kill()
  }
}

/** Where util-linux is; RLIMIT_DATA, unlike RLIMIT_AS, leaves out the packs that Git maps. */
function withinMemory({ memoryBytesMax = limits.gitMemoryBytesMax }: GitOptions): string[] {
  const prlimit = Bun.which('prlimit')
  return prlimit === null ? [] : [prlimit, `--data=${memoryBytesMax}`]
}

/** Reads a stream to its end, so that its writer never waits, and keeps the beginning. */
async function readSome(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream) {
    if (bytes < limits.gitOutputBytesMax) chunks.push(chunk)
    bytes += chunk.byteLength
  }
  return Buffer.concat(chunks).subarray(0, limits.gitOutputBytesMax)
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

/** Of Git's words those that name the cause: what the server said, else the first fatal line, else the last line. */
function mostTelling(stderr: string): string | undefined {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.replace(/\p{Cc}/gu, ' ').trim())
    .filter((line) => line !== '')
  const said =
    lines.find((line) => /^(remote: )?(ERROR|fatal): /i.test(line)) ??
    lines.find((line) => line.startsWith('error: ')) ??
    lines.at(-1)
  return said?.slice(0, 1000)
}
