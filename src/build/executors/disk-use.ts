export interface DiskUseWatch {
  stop(): void
}

const MiB = 1024 ** 2
const restMillisecondsMin = 1000
/** A tree of many files is measured more seldom: at most a tenth of the time goes into it. */
const restsPerLook = 10
const lookMillisecondsMax = 60_000

/**
 * Measures a job's folder again and again, in a process of its own: a build may make millions of entries, and the server
 * must not wait for them. What is not seen is bounded by the disk's own watch alone (`disk-watch.ts`): files that are
 * removed but still open, folders closed to the server's user, and trees that take longer than a minute to measure.
 * @param endSession called at most once, with the reason
 */
export function watchDiskUse(
  folder: string,
  bytesMax: number,
  endSession: (reason: string) => void,
): DiskUseWatch {
  let stopped = false
  let end: () => void

  function lookAfter(milliseconds: number): void {
    const timer = setTimeout(() => {
      look().catch((error: unknown) => {
        endSession(`The disk that the build uses could not be measured: ${String(error)}`)
      })
    }, milliseconds)
    end = () => clearTimeout(timer)
  }

  async function look(): Promise<void> {
    const begun = performance.now()
    const measuring = measure(folder)
    end = measuring.end
    const bytes = await measuring.bytes
    if (stopped) return
    if (bytes !== undefined && bytes > bytesMax) {
      return endSession(
        `The build used more than its ${Math.floor(bytesMax / MiB)} MiB of disk (buildComputeType of the app) and was ended.`,
      )
    }
    lookAfter(Math.max(restMillisecondsMin, restsPerLook * (performance.now() - begun)))
  }

  lookAfter(restMillisecondsMin)
  return {
    stop() {
      stopped = true
      end()
    },
  }
}

/** What the files of a folder take up on the disk; undefined when that takes too long, or was ended. */
function measure(folder: string): { bytes: Promise<number | undefined>; end(): void } {
  const child = Bun.spawn(['du', '--summarize', '--block-size=1', '--one-file-system', '--', folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: lookMillisecondsMax,
    killSignal: 'SIGKILL',
  })
  // What it cannot read, or what is removed meanwhile, makes it fail after it has counted all the rest.
  const bytes = child.stdout.text().then((text) => {
    const [digits] = /^[0-9]+/.exec(text) ?? []
    return digits === undefined ? undefined : Number(digits)
  })
  return { bytes, end: () => child.kill('SIGKILL') }
}
