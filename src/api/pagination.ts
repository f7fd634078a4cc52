import { createHash } from 'node:crypto'

import type { z } from 'zod'

import { limits } from '../model/limits.ts'
import { BadRequestException } from './errors.ts'
import type { OperationName } from './operation.ts'

/** The model allows 2000 characters (contract/api-behaviour.md §1.4). */
const tokenCharactersMax = 2000

/**
 * The tokens of one list. A cursor names the last row that was shown by its sort key, never a row number, so that a
 * token stays valid while rows come and go. Keep free text out of it: numbers and ids fit the token's limit.
 */
export interface PageTokens<Cursor> {
  /** @param scope what the list belongs to, for example account, region and app: the same as for `decode` */
  encode(scope: readonly string[], cursor: Cursor): string
  /**
   * Where the page begins: undefined for the first.
   * @throws {BadRequestException} when the token is malformed or was made for another list or scope
   */
  decode(scope: readonly string[], token: string | undefined): Cursor | undefined
}

/**
 * A token grants nothing, since every look-up is scoped by the caller. So it is not signed, only bound to its list and
 * scope to answer a mix-up with an error instead of a wrong page.
 */
export function pageTokens<Schema extends z.ZodType>(
  list: OperationName | 'audit',
  cursorSchema: Schema,
): PageTokens<z.output<Schema>> {
  const bindingOf = (scope: readonly string[]) =>
    createHash('sha256')
      .update(JSON.stringify([list, ...scope]))
      .digest('base64url')
      .slice(0, 12)
  return {
    encode: (scope, cursor) => {
      const token = Buffer.from(JSON.stringify([bindingOf(scope), cursor])).toString('base64url')
      if (token.length > tokenCharactersMax) throw new Error(`The cursor of ${list} is too long for a token`)
      return token
    },
    decode: (scope, token) => {
      // Clients that loop over pages may begin with an empty token.
      if (token === undefined || token === '') return undefined
      const parsed = parse(token)
      if (!Array.isArray(parsed) || parsed.length !== 2 || parsed[0] !== bindingOf(scope)) throw refused()
      const cursor = cursorSchema.safeParse(parsed[1])
      if (!cursor.success) throw refused()
      return cursor.data
    },
  }
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}

const refused = () =>
  new BadRequestException('The nextToken is not one that this list has answered. Start again without it.')

/**
 * Cuts a page out of rows that were fetched one beyond its size. It ends early where its rows would be too many bytes for
 * one answer, but has one row at least.
 * @param bytesOf how much a row adds to the answer, where that differs a lot
 * @returns the page, and the token of the next one if there is one
 */
export function takePage<Row>(
  rows: readonly Row[],
  size: number,
  tokenAfter: (last: Row) => string,
  bytesOf: (row: Row) => number = () => 0,
): { items: Row[]; nextToken?: string } {
  const items: Row[] = []
  let bytes = 0
  for (const row of rows.slice(0, size)) {
    bytes += bytesOf(row)
    if (items.length > 0 && bytes > limits.pageSettingsBytesMax) break
    items.push(row)
  }
  const last = items.at(-1)
  return rows.length > items.length && last !== undefined ? { items, nextToken: tokenAfter(last) } : { items }
}
