import type { Command } from 'commander'

import type { Notification, NotificationTarget } from '../api/preamp/notifications.ts'
import type { Config } from '../config.ts'
import { limits } from '../model/limits.ts'
import { UsageError } from '../usage-error.ts'
import { clientDescriptions, clientSettings } from './amplify-client.ts'
import { callEndpoint } from './call-endpoint.ts'
import { callServer } from './call-server.ts'
import { addSettings } from './settings-options.ts'
import { printTable } from './table.ts'

const pauseMilliseconds = 200
/** One attempt, and some time to begin it. */
const testSecondsMax = limits.notificationSecondsMax + 10

/** `preamp notifications`: who is told how the jobs of an app end. */
export function register(program: Command): void {
  const notifications = program
    .command('notifications')
    .description('Have webhooks and e-mail addresses told how the jobs of an app end.')

  const add = notifications
    .command('add')
    .description('Add a URL, which is told of every end, or an e-mail address, of success and failure.')
    .argument('<app-id>')
    .argument('<address>', 'https://… or name@host')
    .option('--branch <name>', 'of this branch alone (default: of all branches)')
  addSettings(add, clientSettings, clientDescriptions).action(
    (appId: string, address: string, { branch }: { branch?: string }) =>
      callServer(add, (config) => addTarget(config, pathOf(appId), address, branch)),
  )

  const list = notifications.command('list').description('List who is told.').argument('<app-id>')
  addSettings(list, clientSettings, clientDescriptions).action((appId: string) =>
    callServer(list, async (config) => {
      const { targets } = await callEndpoint<{ targets: NotificationTarget[] }>(config, 'GET', pathOf(appId))
      printTable(
        ['ID', 'KIND', 'BRANCH', 'ADDRESS'],
        targets.map(({ id, kind, branchName = '(all)', address }) => [id, kind, branchName, address]),
      )
    }),
  )

  const remove = notifications
    .command('remove')
    .description('Tell somebody no more; what was still to be delivered is forgotten.')
    .argument('<app-id>')
    .argument('<id>')
  addSettings(remove, clientSettings, clientDescriptions).action((appId: string, id: string) =>
    callServer(remove, async (config) => {
      await callEndpoint(config, 'DELETE', pathOf(appId, id))
      console.log(`${id} is removed.`)
    }),
  )

  const test = notifications
    .command('test')
    .description('Deliver a test event now. The exit code is 0 when it was taken.')
    .argument('<app-id>')
    .argument('<id>')
  addSettings(test, clientSettings, clientDescriptions).action((appId: string, id: string) =>
    callServer(test, (config) => testTarget(config, pathOf(appId, id))),
  )
}

const pathOf = (appId: string, ...rest: string[]) =>
  ['/_preamp/apps', encodeURIComponent(appId), 'notifications', ...rest.map(encodeURIComponent)].join('/')

async function addTarget(
  config: Config,
  path: string,
  address: string,
  branchName: string | undefined,
): Promise<void> {
  const kind = address.includes('://') ? 'webhook' : 'email'
  const answer = await callEndpoint<{ target: NotificationTarget; secret?: string }>(config, 'POST', path, {
    kind,
    address,
    ...(branchName !== undefined && { branchName }),
  })
  console.log(`Added ${kind} ${answer.target.id}.`)
  if (answer.secret !== undefined) {
    console.log(`Its calls are signed with this secret, which is shown only now: ${answer.secret}`)
  } else {
    console.log('Mails are sent for branches that have enableNotification: UpdateBranch sets it.')
  }
}

async function testTarget(config: Config, path: string): Promise<void> {
  const { id } = await callEndpoint<{ id: string }>(config, 'POST', `${path}/test`)
  const giveUpAt = Date.now() + testSecondsMax * 1000
  while (Date.now() < giveUpAt) {
    const { deliveries } = await callEndpoint<{ deliveries: Notification[] }>(
      config,
      'GET',
      `${path}/deliveries`,
    )
    const delivery = deliveries.find((each) => each.id === id)
    if (delivery?.deliverTime) return console.log('The test event was delivered.')
    if (delivery?.message) throw new UsageError(`The test event was not taken: ${delivery.message}`)
    await Bun.sleep(pauseMilliseconds)
  }
  throw new UsageError(`The test event was not delivered within ${testSecondsMax} seconds; it is tried on.`)
}
