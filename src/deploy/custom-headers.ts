import { z } from 'zod'

import { limits } from '../model/limits.ts'
import type { CustomHeaders } from '../model/manifest.ts'
import { listOf, mapping, readShape, readYaml, text } from './read-yaml.ts'
import { RefusedContent } from './refused-content.ts'
import { repositoryPath } from './repository-path.ts'

/** What the server decides, as it belongs to the connection or the length of what it sends (RFC 9110 §7.6.1). */
const serverHeaders = [
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
const headers = z.object(
  {
    pattern: text.min(1, { error: 'is empty' }),
    headers: listOf(
      z.object(
        {
          key: text
            .regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: 'cannot be the name of a header' })
            .refine((name) => !serverHeaders.includes(name.toLowerCase()), {
              error: 'is a header that the server decides',
            }),
          value: text
            .nullish()
            .transform((value) => (value ?? '').trim())
            .refine((value) => !/[^\P{Cc}\t]/u.test(value), {
              error: 'has a line break or another control character, which no header can have',
            })
            .refine((value) => !/[\u0100-\uffff]/.test(value), {
              error: 'has characters that no header can have: encode them',
            }),
        },
        mapping,
      ),
      limits.customHeadersOfPatternMax,
      'must be a list of headers',
    ),
  },
  mapping,
)
const headersList = listOf(headers, limits.customHeaderPatternsMax, 'must be a list of patterns with headers')
const fileShape = z.object(
  {
    customHeaders: z.unknown().optional(),
    applications: listOf(
      z.object({ appRoot: text.nullish(), customHeaders: z.unknown().optional() }, mapping),
      limits.buildSpecApplicationsMax,
      'must be a list of applications',
    ).nullish(),
  },
  { error: 'must be a mapping with "customHeaders"' },
)

/**
 * Reads a list of custom headers (contract/hosting-behaviour.md §6.1); undefined where there is none.
 * @param what the file or setting that holds it, for errors
 * @throws {RefusedContent}
 */
export function readCustomHeaders(
  value: unknown,
  what: string,
  path: PropertyKey[] = ['customHeaders'],
): CustomHeaders[] | undefined {
  if (value === undefined || value === null) return undefined
  const list = readShape(headersList, value, what, path)
  if (Buffer.byteLength(JSON.stringify(list)) > limits.customHeadersBytesMax) {
    throw new RefusedContent(
      `Unable to parse ${what}: its custom headers are longer than ${limits.customHeadersBytesMax} bytes`,
    )
  }
  return list
}

/**
 * Reads `customHttp.yml`, or what the app has in its place: one list of headers, or for a monorepo one for each app.
 * @param appRoot of the app that is built; empty where it is not in a monorepo
 * @returns undefined where it says nothing of this app
 * @throws {RefusedContent}
 */
export function parseCustomHeaders(
  source: string,
  what: string,
  appRoot: string,
): CustomHeaders[] | undefined {
  const lists = readLists(source, what)
  const own = lists.find(({ root }) => root === appRoot) ?? lists.find(({ root }) => root === undefined)
  return own && readCustomHeaders(own.list, what, own.path)
}

/**
 * Checks the same for every app that it speaks of.
 * @throws {RefusedContent}
 */
export function checkCustomHeadersOf(source: string, what: string): void {
  for (const { list, path } of readLists(source, what)) readCustomHeaders(list, what, path)
}

interface HeadersList {
  /** Of the app that it is for; undefined for the list outside of `applications`. */
  root: string | undefined
  list: unknown
  path: PropertyKey[]
}

function readLists(source: string, what: string): HeadersList[] {
  const document = readYaml(source, what)
  if (document === undefined || document === null) return []
  const { customHeaders, applications } = readShape(fileShape, document, what)
  const ofApps = (applications ?? []).map((app, index) => ({
    root: repositoryPath(app.appRoot ?? '', `${what}: applications[${index}].appRoot`),
    list: app.customHeaders,
    path: ['applications', index, 'customHeaders'],
  }))
  return [...ofApps, { root: undefined, list: customHeaders, path: ['customHeaders'] }]
}
