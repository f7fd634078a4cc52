import type { AutoBranchCreationConfig, CreateAppCommandInput } from '@aws-sdk/client-amplify'

import { keepsCredentials, parseRepository } from '../git/repository.ts'
import type { AppSecrets, AppSettings } from '../model/settings.ts'
import { checkBranchPatterns } from './branch-patterns.ts'
import type { Services } from './context.ts'
import { checkCustomHeaders } from './custom-headers.ts'
import { checkCustomRules } from './custom-rules.ts'
import { changedVariables } from './environment-variables.ts'
import { defined, orCleared, orUnchanged } from './members.ts'
import { checkRepository } from './repository.ts'
import { checkSettingsSize } from './settings-size.ts'

export interface AppState {
  settings: AppSettings
  secrets: AppSecrets
}

/** What CreateApp and UpdateApp have in common. */
export type AppMembers = Omit<CreateAppCommandInput, 'name' | 'tags'>

/** An app of which nothing was said (contract/api-behaviour.md §2). */
export const bareApp: AppState = {
  settings: { platform: 'WEB', enableBranchAutoBuild: false, enableBasicAuth: false },
  secrets: {},
}

/**
 * Applies what a client sent to what is set. Absent is unchanged; what `""`, `[]` and `{}` do differs by member, by the
 * table in contract/api-behaviour.md §2.
 * @throws {BadRequestException} for a setting that could not have its effect
 */
export function changedApp(
  current: AppState,
  sent: AppMembers,
  services: Pick<Services, 'fileRepositories'>,
): AppState {
  if (sent.repository) checkRepository(sent.repository, services)
  if (sent.customHeaders) checkCustomHeaders(sent.customHeaders)
  if (sent.customRules) checkCustomRules(sent.customRules)
  if (sent.autoBranchCreationPatterns)
    checkBranchPatterns('autoBranchCreationPatterns', sent.autoBranchCreationPatterns)
  const settings = changedSettings(current.settings, sent)
  checkSettingsSize(settings)
  return { settings, secrets: changedSecrets(current, sent) }
}

function changedSettings(current: AppSettings, sent: AppMembers): AppSettings {
  return withAutoBranchCreation(
    current,
    sent,
    defined<AppSettings>({
      description: orUnchanged(sent.description, current.description),
      // The contract leaves open what "" does here: the app is no longer connected.
      repository: orCleared(sent.repository, current.repository),
      platform: sent.platform ?? current.platform,
      computeRoleArn: orCleared(sent.computeRoleArn, current.computeRoleArn),
      iamServiceRoleArn: orUnchanged(sent.iamServiceRoleArn, current.iamServiceRoleArn),
      environmentVariables: changedVariables(current.environmentVariables, sent.environmentVariables),
      enableBranchAutoBuild: sent.enableBranchAutoBuild ?? current.enableBranchAutoBuild,
      enableBranchAutoDeletion: sent.enableBranchAutoDeletion ?? current.enableBranchAutoDeletion,
      enableBasicAuth: sent.enableBasicAuth ?? current.enableBasicAuth,
      customRules: sent.customRules ?? current.customRules,
      buildSpec: orUnchanged(sent.buildSpec, current.buildSpec),
      buildSpecDetected: sent.buildSpec ? undefined : current.buildSpecDetected,
      customHeaders: orCleared(sent.customHeaders, current.customHeaders),
      enableAutoBranchCreation: sent.enableAutoBranchCreation ?? current.enableAutoBranchCreation,
      jobConfig: sent.jobConfig ?? current.jobConfig,
      cacheConfig: sent.cacheConfig ?? current.cacheConfig,
    }),
  )
}

/**
 * Removing patterns or the configuration is not reflected by AWS, only the flag flips. With the flag on, what was never
 * set is filled: all branches, everything off.
 */
function withAutoBranchCreation(current: AppSettings, sent: AppMembers, settings: AppSettings): AppSettings {
  const patterns = sent.autoBranchCreationPatterns?.length
    ? sent.autoBranchCreationPatterns
    : current.autoBranchCreationPatterns
  const isOn = settings.enableAutoBranchCreation === true
  const config = changedConfig(current.autoBranchCreationConfig, sent.autoBranchCreationConfig, isOn)
  return defined<AppSettings>({
    ...settings,
    autoBranchCreationPatterns: patterns ?? (isOn ? ['*', '*/**'] : undefined),
    autoBranchCreationConfig: config,
  })
}

/** A configuration replaces the one before, but for variables, which have their own way to be cleared (see below), and credentials. */
function changedConfig(
  current: AutoBranchCreationConfig | undefined,
  sent: AutoBranchCreationConfig | undefined,
  isOn: boolean,
): AutoBranchCreationConfig | undefined {
  const isEmpty = sent === undefined || Object.keys(sent).length === 0
  if (isEmpty && (current !== undefined || !isOn)) return current
  return defined<AutoBranchCreationConfig>({
    stage: sent?.stage ?? ('NONE' as never),
    framework: sent?.framework || undefined,
    enableAutoBuild: sent?.enableAutoBuild ?? false,
    environmentVariables: changedVariables(current?.environmentVariables, sent?.environmentVariables),
    enableBasicAuth: sent?.enableBasicAuth ?? false,
    enablePerformanceMode: sent?.enablePerformanceMode ?? false,
    buildSpec: sent?.buildSpec || undefined,
    enablePullRequestPreview: sent?.enablePullRequestPreview ?? false,
    pullRequestEnvironmentName: sent?.pullRequestEnvironmentName || undefined,
  })
}

/**
 * Tokens can be taken back by ""; basic-auth credentials cannot be cleared. Tokens are for the host that they were given for:
 * who may change the repository must not learn them by having them sent to a host of theirs.
 */
function changedSecrets({ secrets: current, settings }: AppState, sent: AppMembers): AppSecrets {
  const { accessToken, oauthToken } = isMoved(settings.repository, sent.repository) ? {} : current
  return defined<AppSecrets>({
    accessToken: orCleared(sent.accessToken, accessToken),
    oauthToken: orCleared(sent.oauthToken, oauthToken),
    basicAuthCredentials: orUnchanged(sent.basicAuthCredentials, current.basicAuthCredentials),
    autoBranchBasicAuthCredentials: orUnchanged(
      sent.autoBranchCreationConfig?.basicAuthCredentials,
      current.autoBranchBasicAuthCredentials,
    ),
    registry: current.registry,
  })
}

function isMoved(from: string | undefined, to: string | undefined): boolean {
  if (!from || !to) return false
  const [before, after] = [parseRepository(from), parseRepository(to)]
  return before.kind !== 'http' || after.kind !== 'http' || !keepsCredentials(before.url, after.url)
}
