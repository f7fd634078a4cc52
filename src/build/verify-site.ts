/** An edge that is just being restarted gets some time; one that answers with an error less. */
const bounds = { answerMilliseconds: 10_000, errorMilliseconds: 1000, pauseMilliseconds: 200 }

/** Asks for `/` of the site once; rejects when nobody answers. */
export type Visit = (signal: AbortSignal) => Promise<{ status: number }>

/**
 * Asks for a site as a visitor would. Any answer below 500 will do: a site without an `index.html` is its owner's choice.
 * @returns the status of the answer, or what is wrong
 */
export async function verifySite(visit: Visit): Promise<{ status: number } | { problem: string }> {
  const start = Date.now()
  for (;;) {
    const answer = await visitInTime(visit, start + bounds.answerMilliseconds).catch(errorText)
    if (typeof answer !== 'string' && answer.status < 500) return { status: answer.status }
    const waited = Date.now() - start
    if (typeof answer === 'string') {
      if (waited >= bounds.answerMilliseconds)
        return { problem: `The site could not be verified: it does not answer (${answer}).` }
    } else if (waited >= bounds.errorMilliseconds) {
      return { problem: `The site could not be verified: it answers with status ${answer.status}.` }
    }
    await Bun.sleep(bounds.pauseMilliseconds)
  }
}

async function visitInTime(visit: Visit, deadline: number): Promise<{ status: number }> {
  const late = Promise.withResolvers<never>()
  const controller = new AbortController()
  const timer = setTimeout(
    () => {
      controller.abort()
      late.reject(new Error('no answer in time'))
    },
    Math.max(deadline - Date.now(), 0),
  )
  try {
    return await Promise.race([visit(controller.signal), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
