import { z } from 'zod'

import { limits } from '../../model/limits.ts'
import type { CustomHeaders } from '../../model/manifest.ts'
import { customerError } from '../build-failed.ts'
import { listOf, mapping, readShape, readYaml, text } from './read-yaml.ts'
import { repositoryPath } from './repository-path.ts'

const headers = z.object(
  {
    pattern: text.min(1, { error: 'is empty' }),
    headers: listOf(
      z.object(
        {
          key: text.regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: 'cannot be the name of a header' }),
          value: text
            .nullish()
            .transform((value) => (value ?? '').trim())
            .refine((value) => !/[^\P{Cc}\t]/u.test(value), {
              error: 'has a line break or another control character, which no header can have',
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
 * @throws {import('../build-failed.ts').BuildFailed}
 */
export function readCustomHeaders(
  value: unknown,
  what: string,
  path: PropertyKey[] = ['customHeaders'],
): CustomHeaders[] | undefined {
  if (value === undefined || value === null) return undefined
  const list = readShape(headersList, value, what, path)
  if (Buffer.byteLength(JSON.stringify(list)) > limits.customHeadersBytesMax) {
    throw customerError(
      `Unable to parse ${what}: its custom headers are longer than ${limits.customHeadersBytesMax} bytes`,
    )
  }
  return list
}

/**
 * Reads `customHttp.yml`, or what the app has in its place: one list of headers, or for a monorepo one for each app.
 * @param appRoot of the app that is built; empty where it is not in a monorepo
 * @returns undefined where it says nothing of this app
 * @throws {import('../build-failed.ts').BuildFailed}
 */
export function parseCustomHeaders(
  source: string,
  what: string,
  appRoot: string,
): CustomHeaders[] | undefined {
  const document = readYaml(source, what)
  if (document === undefined || document === null) return undefined
  const { customHeaders, applications } = readShape(fileShape, document, what)
  for (const [index, app] of (applications ?? []).entries()) {
    const path: PropertyKey[] = ['applications', index]
    if (repositoryPath(app.appRoot ?? '', `${what}: applications[${index}].appRoot`) === appRoot) {
      return readCustomHeaders(app.customHeaders, what, [...path, 'customHeaders'])
    }
  }
  return readCustomHeaders(customHeaders, what)
}
