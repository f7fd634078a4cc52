/** Work that is asked for again and again. */
export interface RepeatedWork {
  /** Has the work done; where it is being done, once more after that, for all who ask meanwhile. */
  ask(): void
  /** Ends with the work at hand, but for what was asked for meanwhile; undefined where there is none. */
  readonly current: Promise<void> | undefined
}

/**
 * Lets work be done once at a time.
 * @param work must not fail: nobody would hear of it
 * @param mayBegin is asked before each time; where it says no, nothing is done
 */
export function oneAtATime(work: () => Promise<void>, mayBegin: () => boolean): RepeatedWork {
  let current: Promise<void> | undefined
  let isAskedAgain = false

  function ask(): void {
    if (!mayBegin()) return
    if (current) {
      isAskedAgain = true
      return
    }
    current = work().finally(() => {
      current = undefined
      if (!isAskedAgain) return
      isAskedAgain = false
      ask()
    })
  }

  return {
    ask,
    get current() {
      return current
    },
  }
}
