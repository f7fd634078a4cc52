import type { CreateBranchCommandInput } from '@aws-sdk/client-amplify'

import { branchLabel } from '../model/display-name.ts'
import { isReservedLabel } from '../model/permanent-address.ts'
import type { BranchSecrets, BranchSettings } from '../model/settings.ts'
import { changedVariables } from './environment-variables.ts'
import { BadRequestException } from './errors.ts'
import { defined, orCleared, orUnchanged } from './members.ts'
import { checkSettingsSize } from './settings-size.ts'

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
 * @throws {BadRequestException} for a setting that could not have its effect
 */
export function changedBranch(current: BranchState, sent: BranchMembers): BranchState {
  const settings = changedSettings(current.settings, sent)
  checkSettingsSize(settings)
  return {
    settings,
    secrets: defined<BranchSecrets>({
      basicAuthCredentials: orUnchanged(sent.basicAuthCredentials, current.secrets.basicAuthCredentials),
    }),
  }
}

function changedSettings(current: BranchSettings, sent: BranchMembers): BranchSettings {
  return defined<BranchSettings>({
    description: orCleared(sent.description, current.description),
    stage: sent.stage ?? current.stage,
    framework: orCleared(sent.framework, current.framework),
    enableNotification: sent.enableNotification ?? current.enableNotification,
    enableAutoBuild: sent.enableAutoBuild ?? current.enableAutoBuild,
    enableSkewProtection: sent.enableSkewProtection ?? current.enableSkewProtection,
    enableBasicAuth: sent.enableBasicAuth ?? current.enableBasicAuth,
    enablePerformanceMode: sent.enablePerformanceMode ?? current.enablePerformanceMode,
    enablePullRequestPreview: sent.enablePullRequestPreview ?? current.enablePullRequestPreview,
    pullRequestEnvironmentName: orCleared(
      sent.pullRequestEnvironmentName,
      current.pullRequestEnvironmentName,
    ),
    environmentVariables: changedVariables(current.environmentVariables, sent.environmentVariables),
    buildSpec: orUnchanged(sent.buildSpec, current.buildSpec),
    ttl: orCleared(sent.ttl, current.ttl) ?? ttlDefault,
    backendEnvironmentArn: orCleared(sent.backendEnvironmentArn, current.backendEnvironmentArn),
    backend: sent.backend ?? current.backend,
    computeRoleArn: orCleared(sent.computeRoleArn, current.computeRoleArn),
  })
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
  if (isReservedLabel(sent)) {
    throw new BadRequestException(
      `The displayName ${JSON.stringify(sent)} ends in -- and a number, as the address of a job does. Choose one that does not.`,
    )
  }
  return sent
}
