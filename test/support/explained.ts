import type { Explanation } from '../../src/model/explanation.ts'
import { askEndpoint } from './call-endpoint.ts'
import type { TestPreamp } from './preamp.ts'

/** Pairs as the endpoint takes them. */
export const queryOf = (pairs: string[][]): string =>
  pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')

/** What the server says of a URL. @throws where it does not answer with 200 */
export async function explainedAt(
  { apiUrl, credentials }: TestPreamp,
  url: string,
  ...more: string[][]
): Promise<Explanation> {
  const query = queryOf([['url', url], ...more])
  const { status, answer } = await askEndpoint(
    { url: apiUrl, key: credentials },
    'GET',
    `/_preamp/explain?${query}`,
  )
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(answer)}`)
  return answer as Explanation
}

const ofConnection = ['date', 'content-length', 'connection']

/** The headers that an explanation tells, and those that were sent, so that the two compare. */
export const toldHeaders = ({ headers }: Explanation): Record<string, string> =>
  comparable(headers.map(({ name, value }) => [name, value]))
export const sentHeaders = ({ headers }: Response): Record<string, string> => comparable([...headers])

function comparable(headers: [name: string, value: string][]): Record<string, string> {
  const shown = headers.filter(([name]) => !ofConnection.includes(name))
  // Another one for each answer.
  return Object.fromEntries(shown.map(([name, value]) => [name, name === 'x-amz-cf-id' ? '' : value]))
}
