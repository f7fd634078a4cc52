import { expect, test } from 'bun:test'

import { pino } from 'pino'

import vectorFile from '../../test/fixtures/contract/redirect-vectors.json' with { type: 'json' }
import { appRow, branchRow } from '../../test/support/rows.ts'
import { type AppOptions } from '../model/app-options.ts'
import type { WrittenRule } from '../model/written-rule.ts'
import { compileSite } from './compile-site.ts'
import { decide, type Decision } from './decide.ts'
import { FileTable } from './file-table.ts'

interface Asked {
  rules?: WrittenRule[]
  files?: string[]
  options?: Partial<AppOptions>
  url: string
  method?: string
  country?: string | undefined
  headers?: Record<string, string>
}

function answerTo({
  rules = [],
  files = [],
  options = {},
  url,
  method = 'GET',
  country,
  headers,
}: Asked): Decision {
  const app = appRow({ options })
  app.settings.customRules = rules as never
  const manifest = Object.fromEntries(files.map((path) => [path.slice(1), { sha: '00'.repeat(32), size: 1 }]))
  const deployment = {
    deploymentId: 'one',
    files: new FileTable(manifest),
    modifiedAt: 0,
    lastModified: 'Thu, 01 Jan 1970 00:00:00 GMT',
    customHeaders: undefined,
    legacyCustomHeaders: undefined,
    customRules: undefined,
    appRoot: '',
    folder: '',
  }
  const row = { app, branch: branchRow(app.appId), deployment: undefined }
  const site = compileSite(row, deployment, {
    plainProxies: false,
    siteSuffix: 'localhost',
    log: pino({ level: 'silent' }),
  })
  const header = (name: string): string | null => headers?.[name] ?? null
  return decide(site, { method, url: new Request(url).url, country: () => country, header })
}

test.each(vectorFile.vectors.map((vector) => [`${vector.id} ${vector.name}`, vector] as const))(
  '%s',
  (_name, { rules, files, request, expect: expected }) => {
    const { host, path, query, method, country } = request
    const url = `http://${host}${path}${query && '?'}${query}`
    const answer = answerTo({ rules, files, url, method, country })
    const shown = {
      kind: answer.kind.replace('-', '_'),
      ...('status' in answer && answer.status && { status: answer.status }),
      ...('path' in answer && { file: `/${answer.path}` }),
      ...('location' in answer && { location: answer.location }),
      ...('url' in answer && { url: answer.url }),
      ...(answer.kind === 'not-found' && { status: 404 }),
    }
    expect(shown as object).toEqual(expected)
  },
)
