const answerSecondsMax = 10
const pauseMilliseconds = 200

/**
 * Asks for a site as a visitor would. Any answer below 500 will do: a site without an `index.html` is its owner's choice.
 * An edge that is just being restarted gets some seconds.
 * @param visit asks once; rejects when nobody answers
 * @returns undefined, or what is wrong
 */
export async function verifySite(
  visit: () => Promise<{ status: number }>,
  secondsMax = answerSecondsMax,
): Promise<string | undefined> {
  const deadline = Date.now() + secondsMax * 1000
  for (;;) {
    const answer = await visit().catch((error: unknown) => errorText(error))
    if (typeof answer !== 'string' && answer.status < 500) return undefined
    if (Date.now() > deadline) {
      return typeof answer === 'string'
        ? `The site could not be verified: it does not answer (${answer}).`
        : `The site could not be verified: it answers with status ${answer.status}.`
    }
    await Bun.sleep(pauseMilliseconds)
  }
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
