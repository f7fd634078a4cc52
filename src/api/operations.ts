import { generateAccessLogs } from './access-logs.ts'
import { createApp, deleteApp, getApp, listApps, updateApp } from './apps.ts'
import { getArtifactUrl, listArtifacts } from './artifacts.ts'
import {
  createBackendEnvironment,
  deleteBackendEnvironment,
  getBackendEnvironment,
  listBackendEnvironments,
} from './backend-environments.ts'
import { createBranch, deleteBranch, getBranch, listBranches, updateBranch } from './branches.ts'
import { createDeployment, startDeployment } from './deployments.ts'
import {
  createDomainAssociation,
  deleteDomainAssociation,
  getDomainAssociation,
  listDomainAssociations,
  updateDomainAssociation,
} from './domains.ts'
import { deleteJob, getJob, listJobs, startJob, stopJob } from './jobs.ts'
import type { Operations } from './operation.ts'
import { listTagsForResource, tagResource, untagResource } from './tags.ts'
import { createWebhook, deleteWebhook, getWebhook, listWebhooks, updateWebhook } from './webhooks.ts'

/** Every operation of the API: one that is missing or misspelt does not compile. */
export const operations = {
  CreateApp: createApp,
  GetApp: getApp,
  ListApps: listApps,
  UpdateApp: updateApp,
  DeleteApp: deleteApp,

  CreateBranch: createBranch,
  GetBranch: getBranch,
  ListBranches: listBranches,
  UpdateBranch: updateBranch,
  DeleteBranch: deleteBranch,

  StartJob: startJob,
  GetJob: getJob,
  ListJobs: listJobs,
  StopJob: stopJob,
  DeleteJob: deleteJob,

  CreateDeployment: createDeployment,
  StartDeployment: startDeployment,

  ListArtifacts: listArtifacts,
  GetArtifactUrl: getArtifactUrl,

  CreateDomainAssociation: createDomainAssociation,
  GetDomainAssociation: getDomainAssociation,
  ListDomainAssociations: listDomainAssociations,
  UpdateDomainAssociation: updateDomainAssociation,
  DeleteDomainAssociation: deleteDomainAssociation,

  CreateWebhook: createWebhook,
  GetWebhook: getWebhook,
  ListWebhooks: listWebhooks,
  UpdateWebhook: updateWebhook,
  DeleteWebhook: deleteWebhook,

  CreateBackendEnvironment: createBackendEnvironment,
  GetBackendEnvironment: getBackendEnvironment,
  ListBackendEnvironments: listBackendEnvironments,
  DeleteBackendEnvironment: deleteBackendEnvironment,

  TagResource: tagResource,
  UntagResource: untagResource,
  ListTagsForResource: listTagsForResource,

  GenerateAccessLogs: generateAccessLogs,
} satisfies Operations
