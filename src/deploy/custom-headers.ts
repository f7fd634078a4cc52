import { z } from 'zod'

import { limits } from '../model/limits.ts'
import type { CustomHeaders } from '../model/manifest.ts'
import { listOf, mapping, pathText, readShape, readYaml, text } from './read-yaml.ts'
import { RefusedContent } from './refused-content.ts'
import { repositoryPath } from './repository-path.ts'
import { quoted } from './site-path.ts'

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
const header = z
  .object(
    {
      key: text,
      value: text.nullish().transform((value) => (value ?? '').trim()),
    },
    mapping,
  )
  .superRefine(({ key, value }, context) => {
    const ofName = problemOfName(key)
    if (ofName !== undefined)
      context.addIssue({ code: 'custom', path: ['key'], message: `${quoted(key)} ${ofName}` })
    const ofValue = problemOfValue(value)
    if (ofValue !== undefined)
      context.addIssue({ code: 'custom', path: ['value'], message: `of ${quoted(key)} ${ofValue}` })
  })
const headers = z.object(
  {
    pattern: text.min(1, { error: 'is empty' }),
    headers: listOf(header, limits.customHeadersOfPatternMax, 'must be a list of headers'),
  },
  mapping,
)
const headersList = listOf(headers, limits.customHeaderPatternsMax, 'must be a list of patterns with headers')

function problemOfName(name: string): string | undefined {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'cannot be the name of a header'
  return serverHeaders.includes(name.toLowerCase()) ? 'is a header that the server decides' : undefined
}

function problemOfValue(value: string): string | undefined {
  if (/[^\P{Cc}\t]/u.test(value))
    return 'has a line break or another control character, which no header can have'
  return /[\u0100-\uffff]/.test(value) ? 'has characters that no header can have: encode them' : undefined
}

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
 * @returns undefined where it says nothing of this app, of which `explainNoHeaders` tells why
 * @throws {RefusedContent}
 */
export function parseCustomHeaders(
  source: string,
  what: string,
  appRoot: string,
): CustomHeaders[] | undefined {
  const own = ownList(readLists(readYaml(source, what), what), appRoot)
  return own && readCustomHeaders(own.list, what, own.path)
}

/**
 * Why the same says nothing of this app, and what to write. A mistyped key looks like headers that are sent.
 * @throws {RefusedContent}
 */
export function explainNoHeaders(source: string, appRoot: string): string {
  const what = 'custom headers'
  const document = readYaml(source, what)
  const lists = readLists(document, what)
  const own = ownList(lists, appRoot)
  if (own === undefined) return `It is empty. ${wantedForm}`
  const within = own.path.slice(0, -1)
  const holder = Object(
    within.reduce((value: unknown, key) => Reflect.get(Object(value), key), document),
  ) as object
  const place = within.length === 0 ? 'It' : `Its ${pathText(within)}`
  if (Object.hasOwn(holder, 'customHeaders')) return `${place} has nothing in "customHeaders". ${wantedForm}`
  const roots = lists.flatMap(({ root }) => (root === undefined ? [] : quoted(root)))
  if (within.length === 0 && roots.length > 0) {
    const wanted = appRoot === '' ? 'none outside of "applications"' : `none for ${quoted(appRoot)}`
    const next = appRoot === '' ? 'Write "customHeaders" beside it' : 'Write an entry with that appRoot'
    return `It has headers for the apps in ${shownOf(roots)} and ${wanted}. ${next}: a list of patterns with headers.`
  }
  const keys = Object.keys(holder)
  const found = keys.length === 0 ? '' : `${shownOf(keys.map(quoted))} and `
  return `${place} has ${found}no "customHeaders". ${wantedForm}`
}

const wantedForm = 'Headers stand below "customHeaders": a list of patterns with headers.'

function shownOf(names: string[]): string {
  const shownMax = 5
  return [...names.slice(0, shownMax), ...(names.length > shownMax ? ['…'] : [])].join(', ')
}

/**
 * Checks the same for every app that it speaks of.
 * @throws {RefusedContent}
 */
export function checkCustomHeadersOf(source: string, what: string): void {
  for (const { list, path } of readLists(readYaml(source, what), what)) readCustomHeaders(list, what, path)
}

interface HeadersList {
  /** Of the app that it is for; undefined for the list outside of `applications`. */
  root: string | undefined
  list: unknown
  path: PropertyKey[]
}

const ownList = (lists: HeadersList[], appRoot: string): HeadersList | undefined =>
  lists.find(({ root }) => root === appRoot) ?? lists.find(({ root }) => root === undefined)

function readLists(document: unknown, what: string): HeadersList[] {
  if (document === undefined || document === null) return []
  const { customHeaders, applications } = readShape(fileShape, document, what)
  const ofApps = (applications ?? []).map((app, index) => ({
    root: repositoryPath(app.appRoot ?? '', `${what}: applications[${index}].appRoot`),
    list: app.customHeaders,
    path: ['applications', index, 'customHeaders'],
  }))
  return [...ofApps, { root: undefined, list: customHeaders, path: ['customHeaders'] }]
}
