import { expect, test } from 'bun:test'

import { pino } from 'pino'

import vectorFile from '../../test/fixtures/contract/redirect-vectors.json' with { type: 'json' }
import { appRow, branchRow } from '../../test/support/rows.ts'
import { siteDeployment } from '../../test/support/site-deployment.ts'
import { type AppOptions } from '../model/app-options.ts'
import type { WrittenRule } from '../model/written-rule.ts'
import { compileSite } from './compile-site.ts'
import { decide, type Decision } from './decide.ts'

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
  const deployment = siteDeployment(files.map((path) => path.slice(1)))
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
