import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { operations } from '../../src/api/operations.ts'

const root = join(import.meta.dir, '../..')
const document = readFileSync(join(root, 'docs/compatibility.md'), 'utf8')
const model = JSON.parse(readFileSync(join(root, 'test/fixtures/contract/amplify-api.json'), 'utf8')) as {
  operations: Record<string, unknown>
  shapes: Record<string, { members?: Record<string, unknown> }>
}
const operationsSection = document.slice(0, document.indexOf('\n## Hosting'))
const rows = new Map(
  [...operationsSection.matchAll(/^\| ([A-Z]\w+) +\| (done|partial|not yet) +\|/gm)].map(
    ([, name, status]) => [name, status],
  ),
)

describe('docs/compatibility.md', () => {
  test("has a row for each operation of AWS's model, and no other", () => {
    expect(new Set(rows.keys())).toEqual(new Set(Object.keys(model.operations)))
    expect(rows.size).toBe(37)
  })

  test('calls all of them done', () => {
    expect([...rows].filter(([, status]) => status !== 'done')).toEqual([])
    expect(new Set(rows.keys())).toEqual(new Set(Object.keys(operations)))
  })

  test('names no member that the model has not', () => {
    const section = operationsSection.slice(operationsSection.indexOf('\n### Members'))
    const named = [...section.matchAll(/^\| (.+?) +\|/gm)].flatMap(([, cell]) => [
      ...cell!.matchAll(/`([a-z]\w+)`/g),
    ])
    const members = new Set(
      Object.values(model.shapes).flatMap(({ members: ofShape = {} }) => Object.keys(ofShape)),
    )
    expect(named.length).toBeGreaterThan(20)
    expect(named.map(([, member]) => member).filter((member) => !members.has(member!))).toEqual([])
  })
})

/** A row with a cell too many makes the formatter take the table for text, and no reader sees it as one. */
test.each(documents())('the tables of %s have as many cells in each row', (path) => {
  const text = readFileSync(join(root, path), 'utf8').replaceAll(/^```[^]*?^```$/gm, '')
  for (const [table] of text.matchAll(/(?:^\|.*\n)+/gm)) {
    const [head, rule, ...body] = table.trimEnd().split('\n').map(cellsOf)
    expect(rule).toBeDefined()
    for (const cell of rule!) expect(cell).toMatch(/^ ?:?-+:? ?$/)
    const odd = body.filter((cells) => cells.length !== head!.length)
    expect(odd).toEqual([])
    expect(rule!.length).toBe(head!.length)
  }
})

function documents(): string[] {
  const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(
    (name) => `docs/${name}`,
  )
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...inDocs].filter((name) => name.endsWith('.md'))
}

const cellsOf = (row: string): string[] => row.split(/(?<!\\)\|/).slice(1, -1)
