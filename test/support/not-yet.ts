import type { OperationName } from '../../src/api/operation.ts'
import { operations } from '../../src/api/operations.ts'

/** Operations that answer NotImplemented. */
export const notYet = new Set<OperationName>([
  'CreateDomainAssociation',
  'GetDomainAssociation',
  'ListDomainAssociations',
  'UpdateDomainAssociation',
  'DeleteDomainAssociation',
  'CreateWebhook',
  'GetWebhook',
  'ListWebhooks',
  'UpdateWebhook',
  'DeleteWebhook',
  'CreateBackendEnvironment',
  'GetBackendEnvironment',
  'ListBackendEnvironments',
  'DeleteBackendEnvironment',
  'TagResource',
  'UntagResource',
  'ListTagsForResource',
])

export const implemented = (Object.keys(operations) as OperationName[]).filter((name) => !notYet.has(name))
