import { existsSync, readFileSync } from 'node:fs'

import { AmplifyClient } from '@aws-sdk/client-amplify'

import type { Config } from '../config.ts'
import { dataDirectoryAt } from '../data-directory.ts'
import { UsageError } from '../usage-error.ts'

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  /** Of temporary credentials. */
  sessionToken?: string
}

/** The settings that say which server a command talks to, and as whom. */
export const clientSettings = ['dataDir', 'apiUrl', 'apiPort', 'region'] as const

/** What they mean to a client. */
export const clientDescriptions = {
  dataDir: 'Data directory of the server, for its address and the first key. (default: .preamp)',
  apiUrl: 'Address of the server. (default: that of the server of the data directory)',
  apiPort: 'Port of the server, where nothing else tells its address. (default: 4700)',
  region: 'Region to work in; each has its own apps. (default: us-east-1)',
  sitesUrl:
    'Address of the sites, for its scheme in what is printed. (default: as the server of the data directory says)',
}

/**
 * An ordinary client of the API, for commands that could run on another machine than the server.
 * @throws {UsageError} when there is no key to sign with
 */
export function amplifyClient(config: Config, environment = process.env): AmplifyClient {
  return clientFor(apiUrlOf(config, environment), config.region, findCredentials(config, environment))
}

export function clientFor(endpoint: string, region: string, credentials: Credentials): AmplifyClient {
  return new AmplifyClient({ endpoint, region, credentials })
}

/**
 * `PREAMP_API_URL`, else what AWS's own clients read, else the server of the data directory, else this machine's default.
 */
export function apiUrlOf(
  config: Pick<Config, 'apiUrl' | 'apiPort' | 'dataDir'>,
  environment: Record<string, string | undefined>,
): string {
  return (
    config.apiUrl ??
    environment['AWS_ENDPOINT_URL_AMPLIFY'] ??
    environment['AWS_ENDPOINT_URL'] ??
    readServerFile(config.dataDir)?.apiUrl ??
    `http://localhost:${config.apiPort}`
  )
}

/** What the server of this data directory tells of itself while it is at work. */
export function readServerFile(dataDir: string): { apiUrl: string; sitesUrl: string } | undefined {
  const file = dataDirectoryAt(dataDir).server
  if (!existsSync(file)) return undefined
  return JSON.parse(readFileSync(file, 'utf8')) as { apiUrl: string; sitesUrl: string }
}

/** As AWS's clients do it: variables before files; the file is that of the data directory unless AWS's variable names one. */
export function findCredentials(
  config: Pick<Config, 'dataDir'>,
  environment: Record<string, string | undefined>,
): Credentials {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment
  if (accessKeyId && secretAccessKey) {
    return withToken({ accessKeyId, secretAccessKey }, environment['AWS_SESSION_TOKEN'])
  }
  const named = environment['AWS_SHARED_CREDENTIALS_FILE']
  if (named) return readCredentialsFile(named, environment['AWS_PROFILE'])
  const own = dataDirectoryAt(config.dataDir).credentials
  if (!existsSync(own)) {
    throw new UsageError(
      `No key to sign with: ${own} does not exist, and AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY is not set. ` +
        'Start the server here first, or name its data directory with --data-dir.',
    )
  }
  return readCredentialsFile(own)
}

/** Reads a profile of an AWS credentials file. */
export function readCredentialsFile(file: string, profile = 'default'): Credentials {
  if (!existsSync(file)) {
    throw new UsageError(
      `${file}, which AWS_SHARED_CREDENTIALS_FILE names, does not exist. Correct it, or unset it.`,
    )
  }
  const sections = readFileSync(file, 'utf8').split(/^(?=\s*\[)/m)
  const section = sections.find((text) => /^\s*\[(.*?)\]/.exec(text)?.[1]?.trim() === profile) ?? ''
  const value = (name: string) => new RegExp(`^\\s*${name}\\s*=\\s*(\\S+)\\s*$`, 'm').exec(section)?.[1]
  const accessKeyId = value('aws_access_key_id')
  const secretAccessKey = value('aws_secret_access_key')
  if (!accessKeyId || !secretAccessKey) {
    throw new UsageError(`${file} holds no key in its profile ${profile}.`)
  }
  return withToken({ accessKeyId, secretAccessKey }, value('aws_session_token'))
}

const withToken = (credentials: Credentials, sessionToken: string | undefined): Credentials =>
  sessionToken ? { ...credentials, sessionToken } : credentials

/** Turns what a person can mend into a message; anything else is thrown on as it is. */
export function explainApiError(error: unknown, apiUrl: string): never {
  if (error instanceof Error) {
    if (/ECONNREFUSED|Unable to connect|ConnectionRefused/.test(`${error.name} ${error.message}`)) {
      throw new UsageError(`No server answers at ${apiUrl}. Start it with: preamp serve`)
    }
    if (error.name === 'UnrecognizedClientException') {
      throw new UsageError(
        `The server at ${apiUrl} does not know the key or its session token: ${error.message} AWS_ACCESS_KEY_ID goes before ` +
          'the key in the data directory: unset it to use that one.',
      )
    }
    if ('$fault' in error && error.$fault === 'client') {
      throw new UsageError(`${error.name}: ${error.message}`)
    }
  }
  throw error
}
