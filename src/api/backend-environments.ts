import { z } from 'zod'

import { notImplemented } from './not-implemented.ts'
import { operation } from './operation.ts'
import * as shape from './schema.ts'

export const createBackendEnvironment = operation('CreateBackendEnvironment', {
  input: z.object({
    appId: shape.appId,
    environmentName: shape.environmentName,
    stackName: shape.stackName.optional(),
    deploymentArtifacts: shape.deploymentArtifacts.optional(),
  }),
  handle: notImplemented('CreateBackendEnvironment'),
})

export const getBackendEnvironment = operation('GetBackendEnvironment', {
  input: z.object({ appId: shape.appId, environmentName: shape.environmentName }),
  handle: notImplemented('GetBackendEnvironment'),
})

export const listBackendEnvironments = operation('ListBackendEnvironments', {
  input: z.object({
    appId: shape.appId,
    environmentName: shape.environmentName.optional(),
    nextToken: shape.nextToken,
    maxResults: shape.maxResults,
  }),
  handle: notImplemented('ListBackendEnvironments'),
})

export const deleteBackendEnvironment = operation('DeleteBackendEnvironment', {
  input: z.object({ appId: shape.appId, environmentName: shape.environmentName }),
  handle: notImplemented('DeleteBackendEnvironment'),
})
