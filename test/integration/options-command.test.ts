import { afterAll, beforeAll, expect, test } from 'bun:test'

import { CreateAppCommand } from '@aws-sdk/client-amplify'

import { appOptionDefaults, type AppOptions } from '../../src/model/app-options.ts'
import { runCommand } from '../support/preamp-command.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'

/** `preamp options`, as it is typed. */

let preamp: TestPreamp
let appId: string
beforeAll(async () => {
  preamp = await startPreamp()
  const { app } = await preamp.client.send(new CreateAppCommand({ name: 'app' }))
  appId = app!.appId!
})
afterAll(() => preamp.stop())

const change = (...changes: string[]) => runCommand(preamp.dataDir, 'options', appId, ...changes)

/** The table that the command prints, without its head. */
const shown = (output: string) =>
  Object.fromEntries(
    output
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(/ +/))
      .map(([name, value = '']) => [name, value]),
  )

const asShown = (options: AppOptions) =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]))

/** Another value than the default of each option that is no flag. */
const otherTexts = {
  allowedAddresses: '192.0.2.0/24',
  deniedAddresses: '2001:db8::/32',
  trailingSlash: 'always',
} satisfies Partial<AppOptions>

test('every option is set by its name, and set back by its name alone', async () => {
  const set: Record<string, string> = Object.fromEntries(
    Object.entries(appOptionDefaults).map(([name, value]) => [
      name,
      typeof value === 'boolean' ? String(!value) : otherTexts[name as keyof typeof otherTexts],
    ]),
  )
  const changed = await change(...Object.entries(set).map(([name, value]) => `${name}=${value}`))
  expect(changed.errors).toBe('')
  expect(shown(changed.output)).toEqual(set)
  const unset = await change(...Object.keys(set).map((name) => `${name}=`))
  expect(shown(unset.output)).toEqual(asShown(appOptionDefaults))
})

test.each([
  ['trailingSlash=sometimes', /'sometimes' at 'trailingSlash' .*enum value set: \[auto, always, never\]/],
  ['allowedAddresses=here', /'here' at 'allowedAddresses' .*must be addresses or networks/],
  ['notFoundPage=yes', /notFoundPage is true or false/],
  ['singlePageStatus=true', /must be the name of an option, =, and its value.*singlePageStatus200/],
])('%s is refused with what is allowed', async (word, message) => {
  const { exitCode, errors } = await change(word)
  expect(errors).toMatch(message)
  expect(exitCode).toBe(2)
})
