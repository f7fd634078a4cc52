import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { hasBuildScript } from './find-build-spec.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preamp-find-build-spec-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('hasBuildScript', () => {
  test.each([
    ['{"scripts":{"build":"vite build"}}', true],
    ['{"scripts":{"test":"vitest"}}', false],
    ['{"scripts":{"build":["vite"]}}', false],
    ['null', false],
    ['no JSON', false],
  ])('of a package.json that holds %s: %p', async (text, expected) => {
    writeFileSync(join(folder, 'package.json'), text)
    expect(await hasBuildScript(folder)).toBe(expected)
  })

  test('without a package.json, or with a link in its place, is false', async () => {
    expect(await hasBuildScript(folder)).toBe(false)
    writeFileSync(join(folder, 'other.json'), '{"scripts":{"build":"vite build"}}')
    symlinkSync(join(folder, 'other.json'), join(folder, 'package.json'))
    expect(await hasBuildScript(folder)).toBe(false)
  })
})
