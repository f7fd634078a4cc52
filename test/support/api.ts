import { randomBytes } from 'node:crypto'

import { AmplifyClient } from '@aws-sdk/client-amplify'
import pino, { type Logger } from 'pino'

import type { Services } from '../../src/api/context.ts'
import { createGateway } from '../../src/api/gateway.ts'
import { listen, type ListenOptions } from '../../src/api/http-server.ts'
import type { Operations } from '../../src/api/operation.ts'
import { TransferUrls } from '../../src/api/transfer-urls.ts'
import { type KeyPair, newKeyPair } from '../../src/first-key.ts'
import { domainRecords } from '../../src/model/domain-records.ts'
import { adminPolicy } from '../../src/model/managed-policies.ts'
import { quotaPresets } from '../../src/model/quotas.ts'
import { insertAccessKey } from '../../src/store/access-keys.ts'
import { openDatabase } from '../../src/store/database.ts'
import type { AccessKeyRow } from '../../src/store/schema.ts'
import { SecretBox } from '../../src/store/secret-box.ts'
import { memoryBlobs } from './memory-blobs.ts'

/** The API on a free port over a database in memory: the real front door, without builds and sites behind it. */
export interface TestApi {
  url: string
  port: number
  services: Services
  /** A key of account 000000000000. */
  key: KeyPair
  createKey(row?: Partial<AccessKeyRow>): Promise<KeyPair>
  /** AWS's client with that key, or with another one. */
  client(key?: KeyPair, region?: string): AmplifyClient
  stop(): Promise<void>
}

export async function startApi(
  options: {
    operations?: Operations
    apiUrl?: string
    log?: Logger
    services?: Partial<Services>
    /** With clients that send nothing more. */
    patience?: Pick<ListenOptions, 'headerMillisecondsMax' | 'idleMillisecondsMax'>
  } = {},
): Promise<TestApi> {
  const { services: changes, log = pino({ level: 'silent' }), patience, ...gatewayOptions } = options
  const database = await openDatabase('sqlite::memory:')
  const secrets = new SecretBox(randomBytes(32))
  const services: Services = {
    database,
    blobs: memoryBlobs(),
    secrets,
    credentialsKey: randomBytes(32),
    transferUrls: new TransferUrls(randomBytes(32)),
    defaultDomain: (appId) => `${appId}.localhost:4780`,
    plainProxies: false,
    siteUrl: (appId, label) => `http://${label}.${appId}.localhost:4780`,
    domainRecords: domainRecords(secrets.deriveKey('domain-records'), 'localhost'),
    domainsChanged: () => undefined,
    jobsChanged: () => undefined,
    liveLogPath: (jobKey, step) => `/nonexistent/${jobKey}/${step}`,
    diskShortage: () => Promise.resolve(undefined),
    buildShortage: () => Promise.resolve(undefined),
    sitesChanged: () => Promise.resolve(),
    accessLogs: { isOn: true, folder: '/nonexistent', written: () => Promise.resolve() },
    sites: { find: () => Promise.resolve(undefined), explain: () => Promise.resolve(undefined) },
    metrics: { token: undefined, read: () => Promise.resolve({ sites: [], processes: 0 }) },
    notifications: { sendsMail: true, wake: () => undefined },
    quotas: quotaPresets.generous,
    fileRepositories: true,
    now: Date.now,
    ...changes,
  }
  const createKey = async (row: Partial<AccessKeyRow> = {}) => {
    const pair = newKeyPair()
    await insertAccessKey(database.queries, {
      accessKeyId: pair.accessKeyId,
      accountId: '000000000000',
      secret: secrets.seal(pair.secretAccessKey),
      description: '',
      userName: 'admin',
      policies: [adminPolicy],
      sessionToken: null,
      enabled: true,
      expiresAt: null,
      createdAt: Date.now(),
      ...row,
    })
    return pair
  }
  const key = await createKey()
  const gateway = createGateway({ services, log, ...gatewayOptions })
  const server = await listen({ host: '127.0.0.1', port: 0, handle: gateway.handle, log, ...patience })
  const url = `http://127.0.0.1:${server.port}`
  return {
    url,
    port: server.port,
    services,
    key,
    createKey,
    client: (credentials = key, region = 'us-east-1') =>
      new AmplifyClient({ endpoint: url, region, credentials, maxAttempts: 1 }),
    stop: async () => {
      await server.stop()
      await database.close()
    },
  }
}
