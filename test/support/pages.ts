/** Walks a list for which AWS's client has no paginator. */
export async function* walkPages<Page extends { nextToken?: string | undefined }>(
  fetchPage: (token: { nextToken?: string }) => Promise<Page>,
): AsyncGenerator<Page> {
  let nextToken: string | undefined
  do {
    const page = await fetchPage(nextToken === undefined ? {} : { nextToken })
    yield page
    nextToken = page.nextToken
  } while (nextToken !== undefined)
}
