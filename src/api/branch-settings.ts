import type { CreateBranchCommandInput } from '@aws-sdk/client-amplify'

import { branchLabel } from '../model/display-name.ts'
import type { BranchSecrets, BranchSettings } from '../model/settings.ts'
import { changedVariables } from './environment-variables.ts'
import { BadRequestException } from './errors.ts'
import { defined, orCleared, orUnchanged } from './members.ts'

export interface BranchState {
  settings: BranchSettings
  secrets: BranchSecrets
}

/** What CreateBranch and UpdateBranch have in common. */
export type BranchMembers = Omit<CreateBranchCommandInput, 'appId' | 'branchName' | 'tags' | 'displayName'>

const ttlDefault = '5'

/** A branch of which nothing was said (contract/api-behaviour.md §3). */
export const bareBranch: BranchState = {
  settings: {
    enableNotification: false,
    enableAutoBuild: true,
    enableBasicAuth: false,
    enablePullRequestPreview: false,
    ttl: ttlDefault,
  },
  secrets: {},
}

/**
 * Applies what a client sent to what is set. Absent is unchanged. `""` clears, as Terraform expects, but for the build spec
 * and credentials, which cannot be cleared, as on an app (contract/api-behaviour.md §2, §3).
 */
export function changedBranch({ settings, secrets }: BranchState, sent: BranchMembers): BranchState {
  return {
    settings: defined<BranchSettings>({
      description: orCleared(sent.description, settings.description),
      stage: sent.stage ?? settings.stage,
      framework: orCleared(sent.framework, settings.framework),
      enableNotification: sent.enableNotification ?? settings.enableNotification,
      enableAutoBuild: sent.enableAutoBuild ?? settings.enableAutoBuild,
      enableSkewProtection: sent.enableSkewProtection ?? settings.enableSkewProtection,
      enableBasicAuth: sent.enableBasicAuth ?? settings.enableBasicAuth,
      enablePerformanceMode: sent.enablePerformanceMode ?? settings.enablePerformanceMode,
      enablePullRequestPreview: sent.enablePullRequestPreview ?? settings.enablePullRequestPreview,
      pullRequestEnvironmentName: orCleared(
        sent.pullRequestEnvironmentName,
        settings.pullRequestEnvironmentName,
      ),
      environmentVariables: changedVariables(settings.environmentVariables, sent.environmentVariables),
      buildSpec: orUnchanged(sent.buildSpec, settings.buildSpec),
      ttl: orCleared(sent.ttl, settings.ttl) ?? ttlDefault,
      backendEnvironmentArn: orCleared(sent.backendEnvironmentArn, settings.backendEnvironmentArn),
      backend: sent.backend ?? settings.backend,
      computeRoleArn: orCleared(sent.computeRoleArn, settings.computeRoleArn),
    }),
    secrets: defined<BranchSecrets>({
      basicAuthCredentials: orUnchanged(sent.basicAuthCredentials, secrets.basicAuthCredentials),
    }),
  }
}

/**
 * The name under which a branch is served: as sent, or made from the branch's name when none was, or "".
 * @throws {BadRequestException} for a name that no host can have
 */
export function checkedDisplayName(branchName: string, sent: string | undefined): string {
  if (!sent) return branchLabel(branchName)
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(sent)) {
    throw new BadRequestException(
      `The displayName ${JSON.stringify(sent)} cannot be part of a host name. Use 1 to 63 of the characters a-z, 0-9 and -, with no - at its ends.`,
    )
  }
  return sent
}
