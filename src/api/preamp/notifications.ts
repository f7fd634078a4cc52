import { z } from 'zod'

import { deploymentEvent } from '../../model/deployment-event.ts'
import { newId, newOrderedId, newWebhookToken } from '../../model/ids.ts'
import { limits } from '../../model/limits.ts'
import type { Queries } from '../../store/database.ts'
import { insertNotification, listNotifications } from '../../store/notification-deliveries.ts'
import {
  deleteNotificationTarget,
  findNotificationTarget,
  insertNotificationTarget,
  listNotificationTargets,
} from '../../store/notification-targets.ts'
import type { NotificationDeliveryRow, NotificationTargetRow } from '../../store/schema.ts'
import { appResource } from '../authorization.ts'
import type { Caller, Services } from '../context.ts'
import { BadRequestException, LimitExceededException, NotFoundException } from '../errors.ts'
import { ownApp } from '../look-up.ts'
import * as shape from '../schema.ts'
import { parseInput } from '../validation.ts'
import type { EndpointCall, SignedEndpoint } from './endpoints.ts'

/** Who is told how the jobs of an app end, without what opens a door. */
export interface NotificationTarget {
  id: string
  kind: NotificationTargetRow['kind']
  /** Absent for all branches. */
  branchName: string | undefined
  /** Of a URL only scheme and host: its path may be a secret, as Slack's is. */
  address: string
  /** In epoch seconds, as all times here. */
  createTime: number
}

export interface Notification {
  id: string
  event: object
  createTime: number
  attempts: number
  /** Absent until it was delivered. */
  deliverTime: number | undefined
  /** Absent when it was delivered or given up. */
  nextAttemptTime: number | undefined
  /** Why the last attempt failed. */
  message: string | undefined
}

const path = '/_preamp/apps/{appId}/notifications'

export const listTargets: SignedEndpoint = {
  method: 'GET',
  path,
  permission: permissionTo('amplify:GetApp'),
  async handle({ caller, services }, { members }): Promise<{ targets: NotificationTarget[] }> {
    const { queries } = services.database
    const app = await ownApp(queries, caller, { appId: members['appId']! })
    const rows = await listNotificationTargets(queries, app.appId)
    return { targets: rows.map((row) => viewTarget(row, services)) }
  },
}

const url = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with http:// or https://' })
  .max(2048)
const input = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('email'),
    address: z.email().max(254),
    branchName: shape.branchName.optional(),
  }),
  z.strictObject({ kind: z.literal('webhook'), address: url, branchName: shape.branchName.optional() }),
])

/** Adds a target. The secret with which a webhook's calls are signed is answered this once. */
export const addTarget: SignedEndpoint = {
  method: 'POST',
  path,
  bodyIsSecret: true,
  permission: permissionTo('amplify:UpdateApp'),
  async handle(
    { caller, services },
    { members, sent },
  ): Promise<{ target: NotificationTarget; secret?: string }> {
    const { kind, address, branchName } = parseInput(input, sent) as z.output<typeof input>
    if (kind === 'email' && !services.notifications.sendsMail) {
      throw new BadRequestException(
        'This server sends no e-mail. Its operator can set PREAMP_SMTP_URL; webhooks work without.',
      )
    }
    const secret = kind === 'webhook' ? newWebhookToken() : undefined
    const { secrets } = services
    const row: Omit<NotificationTargetRow, 'appId'> = {
      targetId: newId(),
      branchName: branchName ?? null,
      kind,
      address: secrets.seal(address),
      secret: secret === undefined ? null : secrets.seal(secret),
      createdAt: services.now(),
    }
    const target = await services.database.transaction(async (transaction) => {
      const { appId } = await ownApp(transaction, caller, { appId: members['appId']! })
      if ((await listNotificationTargets(transaction, appId)).length >= limits.notificationTargetsMax) {
        throw new LimitExceededException(
          `An app can have at most ${limits.notificationTargetsMax} notification targets. Remove one first.`,
        )
      }
      await insertNotificationTarget(transaction, { ...row, appId })
      return { ...row, appId }
    })
    return { target: viewTarget(target, services), ...(secret !== undefined && { secret }) }
  },
}

const targetPath = `${path}/{targetId}` as const

export const removeTarget: SignedEndpoint = {
  method: 'DELETE',
  path: targetPath,
  permission: permissionTo('amplify:UpdateApp'),
  handle({ caller, services }, call) {
    return services.database.transaction(async (transaction) => {
      const target = await ownTarget(transaction, caller, call)
      await deleteNotificationTarget(transaction, target.targetId)
      return { target: viewTarget(target, services) }
    })
  },
}

/** Has a test event delivered, as that of a job numbered 0; `…/deliveries` tells whether it arrived. */
export const testTarget: SignedEndpoint = {
  method: 'POST',
  path: `${targetPath}/test`,
  permission: permissionTo('amplify:UpdateApp'),
  async handle({ caller, services }, call): Promise<{ id: string }> {
    const id = newOrderedId()
    const now = services.now()
    await services.database.transaction(async (transaction) => {
      const { targetId, appId, branchName } = await ownTarget(transaction, caller, call)
      const event = deploymentEvent(caller, {
        id,
        appId,
        branchName: branchName ?? 'main',
        jobNumber: 0,
        jobStatus: 'SUCCEED',
        now,
      })
      await insertNotification(transaction, { deliveryId: id, targetId, event: { ...event }, createdAt: now })
    })
    services.notifications.wake()
    return { id }
  },
}

export const listDeliveries: SignedEndpoint = {
  method: 'GET',
  path: `${targetPath}/deliveries`,
  permission: permissionTo('amplify:GetApp'),
  async handle({ caller, services }, call): Promise<{ deliveries: Notification[] }> {
    const { queries } = services.database
    const { targetId } = await ownTarget(queries, caller, call)
    const rows = await listNotifications(queries, targetId, limits.notificationPageMax)
    return { deliveries: rows.map(viewDelivery) }
  },
}

function permissionTo(action: 'amplify:GetApp' | 'amplify:UpdateApp'): SignedEndpoint['permission'] {
  return (caller, members) => ({ action, ...appResource(caller, { appId: members['appId']! }) })
}

async function ownTarget(
  queries: Queries,
  caller: Caller,
  { members }: EndpointCall,
): Promise<NotificationTargetRow> {
  const { appId } = await ownApp(queries, caller, { appId: members['appId']! })
  const target = await findNotificationTarget(queries, appId, members['targetId']!)
  if (!target) throw new NotFoundException(`Notification target ${members['targetId']} not found.`)
  return target
}

function viewTarget(row: NotificationTargetRow, { secrets }: Pick<Services, 'secrets'>): NotificationTarget {
  const address = secrets.open<string>(row.address)
  return {
    id: row.targetId,
    kind: row.kind,
    branchName: row.branchName ?? undefined,
    address: row.kind === 'email' ? address : new URL(address).origin,
    createTime: row.createdAt / 1000,
  }
}

function viewDelivery(row: NotificationDeliveryRow): Notification {
  return {
    id: row.deliveryId,
    event: row.event,
    createTime: row.createdAt / 1000,
    attempts: row.attempts,
    deliverTime: secondsOf(row.deliveredAt),
    nextAttemptTime: secondsOf(row.nextAttemptAt),
    message: row.message ?? undefined,
  }
}

const secondsOf = (milliseconds: number | null) => (milliseconds === null ? undefined : milliseconds / 1000)
