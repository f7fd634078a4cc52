/**
 * Asks again until there is an answer, and gives it back: a condition, never a pause for luck.
 * @param what told when time is up; a function is asked then
 * @param ask answers undefined or false for as long as there is nothing to say; what it throws ends the wait
 * @throws when time is up
 */
export async function waitFor<T>(
  what: string | (() => string),
  secondsMax: number,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = Date.now() + secondsMax * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (Date.now() > deadline) {
      throw new Error(`Waited ${secondsMax} seconds for ${typeof what === 'string' ? what : what()}`)
    }
    await Bun.sleep(20)
  }
}
