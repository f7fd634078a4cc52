import type {
  AutoBranchCreationConfig,
  Backend,
  CacheConfig,
  CustomRule,
  JobConfig,
  Platform,
  Stage,
} from '@aws-sdk/client-amplify'

/** What a client may set on an app and gets back as it was sent. Absent means never set. */
export interface AppSettings {
  description?: string
  repository?: string
  platform: Platform
  computeRoleArn?: string
  iamServiceRoleArn?: string
  environmentVariables?: Record<string, string>
  enableBranchAutoBuild: boolean
  enableBranchAutoDeletion?: boolean
  enableBasicAuth: boolean
  customRules?: CustomRule[]
  buildSpec?: string
  /** Whether that was detected by a build, and nobody has set one since: then each build detects it anew. */
  buildSpecDetected?: boolean
  customHeaders?: string
  enableAutoBranchCreation?: boolean
  autoBranchCreationPatterns?: string[]
  autoBranchCreationConfig?: AutoBranchCreationConfig
  jobConfig?: JobConfig
  cacheConfig?: CacheConfig
}

/** What is kept encrypted. Tokens are never returned; basic-auth credentials are (contract/api-behaviour.md §2). */
export interface AppSecrets {
  accessToken?: string
  oauthToken?: string
  basicAuthCredentials?: string
  /** Those of `autoBranchCreationConfig`, which is stored without them. */
  autoBranchBasicAuthCredentials?: string
  /** With which builds pull the image that `_CUSTOM_IMAGE` names; set by `/_preamp/apps/{appId}/registry`. */
  registry?: RegistryCredentials
}

/** Whom an app is at the registry of its build images. */
export interface RegistryCredentials {
  /** As the images' names begin with it: a host, with its port where it has one. */
  server: string
  userName: string
  password: string
}

export interface BranchSettings {
  description?: string
  stage?: Stage
  framework?: string
  enableNotification: boolean
  enableAutoBuild: boolean
  enableSkewProtection?: boolean
  enableBasicAuth: boolean
  enablePerformanceMode?: boolean
  enablePullRequestPreview: boolean
  pullRequestEnvironmentName?: string
  environmentVariables?: Record<string, string>
  buildSpec?: string
  ttl: string
  backendEnvironmentArn?: string
  backend?: Backend
  computeRoleArn?: string
}

export interface BranchSecrets {
  basicAuthCredentials?: string
}
