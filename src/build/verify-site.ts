/** An edge that is just being restarted gets some time; one that answers with an error less. */
const bounds = { answerMilliseconds: 10_000, errorMilliseconds: 1000, pauseMilliseconds: 200 }

/**
 * Asks for a site as a visitor would. Any answer below 500 will do: a site without an `index.html` is its owner's choice.
 * @param visit asks once; rejects when nobody answers
 * @returns undefined, or what is wrong
 */
export async function verifySite(visit: () => Promise<{ status: number }>): Promise<string | undefined> {
  const start = Date.now()
  for (;;) {
    const answer = await visit().catch(errorText)
    if (typeof answer !== 'string' && answer.status < 500) return undefined
    const waited = Date.now() - start
    if (typeof answer === 'string') {
      if (waited >= bounds.answerMilliseconds)
        return `The site could not be verified: it does not answer (${answer}).`
    } else if (waited >= bounds.errorMilliseconds) {
      return `The site could not be verified: it answers with status ${answer.status}.`
    }
    await Bun.sleep(bounds.pauseMilliseconds)
  }
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
