import { z } from 'zod'

import { notImplemented } from './not-implemented.ts'
import { operation } from './operation.ts'
import * as shape from './schema.ts'

const settings = {
  enableAutoSubDomain: shape.flag.optional(),
  autoSubDomainCreationPatterns: shape.autoSubDomainCreationPatterns.optional(),
  autoSubDomainIAMRole: shape.autoSubDomainIAMRole.optional(),
  certificateSettings: shape.certificateSettings.optional(),
}

export const createDomainAssociation = operation('CreateDomainAssociation', {
  input: z.object({
    appId: shape.appId,
    domainName: shape.domainName,
    subDomainSettings: shape.subDomainSettings,
    ...settings,
  }),
  handle: notImplemented('CreateDomainAssociation'),
})

export const getDomainAssociation = operation('GetDomainAssociation', {
  input: z.object({ appId: shape.appId, domainName: shape.domainName }),
  handle: notImplemented('GetDomainAssociation'),
})

export const listDomainAssociations = operation('ListDomainAssociations', {
  input: z.object({ appId: shape.appId, nextToken: shape.nextToken, maxResults: shape.maxResults }),
  handle: notImplemented('ListDomainAssociations'),
})

export const updateDomainAssociation = operation('UpdateDomainAssociation', {
  input: z.object({
    appId: shape.appId,
    domainName: shape.domainName,
    subDomainSettings: shape.subDomainSettings.optional(),
    ...settings,
  }),
  handle: notImplemented('UpdateDomainAssociation'),
})

export const deleteDomainAssociation = operation('DeleteDomainAssociation', {
  input: z.object({ appId: shape.appId, domainName: shape.domainName }),
  handle: notImplemented('DeleteDomainAssociation'),
})
