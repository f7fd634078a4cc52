import { readFileSync } from 'node:fs'

import type { Command } from 'commander'

import { InvalidPolicy, parsePolicyDocument } from '../api/policy-schema.ts'
import { adminPolicy, deployOnlyPolicy, readOnlyPolicy } from '../model/managed-policies.ts'
import { listOf, type PolicyDocument } from '../model/policy-document.ts'
import { UsageError } from '../usage-error.ts'

export interface PermissionOptions {
  policy?: string
  app?: string
  policyFile?: string
}

/** Adds the flags that say what a key may do. */
export function addPermissionOptions(command: Command): Command {
  return command
    .option('--policy <name>', 'what the key may do: admin, read-only or deploy-only')
    .option('--app <app-id>', 'the app of deploy-only')
    .option('--policy-file <json>', 'file with an IAM policy document, in place of --policy')
}

/**
 * The policies that these flags ask for; undefined where they ask for none.
 * @throws {UsageError}
 */
export function permissionsOf({ policy, app, policyFile }: PermissionOptions): PolicyDocument[] | undefined {
  if (policy !== undefined && policyFile !== undefined) {
    throw new UsageError('Give --policy or --policy-file, not both.')
  }
  if (app !== undefined && policy !== 'deploy-only') {
    throw new UsageError('--app belongs to --policy deploy-only.')
  }
  if (policyFile !== undefined) return [readPolicyFile(policyFile)]
  switch (policy) {
    case undefined:
      return undefined
    case 'admin':
      return [adminPolicy]
    case 'read-only':
      return [readOnlyPolicy]
    case 'deploy-only':
      return [deployOnlyPolicy(checkedAppId(app))]
    default:
      throw new UsageError(`--policy ${policy}: must be admin, read-only or deploy-only.`)
  }
}

/** It becomes a part of ARNs, where a wildcard would mean other apps too. */
function checkedAppId(app: string | undefined): string {
  if (app === undefined)
    throw new UsageError('--policy deploy-only is for one app: name it with --app <app id>.')
  if (!/^d[a-z0-9]{1,19}$/.test(app)) throw new UsageError(`--app ${app}: is no id of an app.`)
  return app
}

function readPolicyFile(file: string): PolicyDocument {
  try {
    return parsePolicyDocument(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof InvalidPolicy) throw new UsageError(`--policy-file ${file}: ${error.message}`)
    if (error instanceof Error && 'code' in error) {
      throw new UsageError(`--policy-file ${file} cannot be read: ${error.message}`)
    }
    throw error
  }
}

/** What a key may do, in a few words. */
export function permissionsInShort(policies: readonly PolicyDocument[]): string {
  const [only, ...rest] = policies
  if (!only) return 'nothing'
  if (rest.length === 0) {
    if (Bun.deepEquals(only, adminPolicy)) return 'admin'
    if (Bun.deepEquals(only, readOnlyPolicy)) return 'read-only'
    const [, appId] = /:apps\/(d[a-z0-9]+)"/.exec(JSON.stringify(only)) ?? []
    if (appId !== undefined && Bun.deepEquals(only, deployOnlyPolicy(appId))) return `deploy-only ${appId}`
  }
  const statements = policies.flatMap(({ Statement }) => listOf(Statement)).length
  return statements === 1 ? '1 statement' : `${statements} statements`
}
