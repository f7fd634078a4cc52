import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { NotImplementedException } from '../../src/api/errors.ts'
import { operations } from '../../src/api/operations.ts'

const root = join(import.meta.dir, '../..')
const document = readFileSync(join(root, 'docs/compatibility.md'), 'utf8')
const model = JSON.parse(readFileSync(join(root, 'test/fixtures/contract/amplify-api.json'), 'utf8')) as {
  operations: Record<string, unknown>
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

  test.each(Object.values(operations).map((operation) => [operation.name, operation] as const))(
    'says of %s what the code does',
    async (name, { handle }) => {
      // Without a context an operation that is there fails on it; one that is not says so first.
      const outcome = await Promise.resolve()
        .then(() => handle(undefined as never, undefined as never))
        .catch((error: unknown) => error)
      expect(rows.get(name) === 'not yet').toBe(outcome instanceof NotImplementedException)
    },
  )
})
