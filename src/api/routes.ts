import type { OperationName } from './operation.ts'

/** Method, path and query members of every operation (contract/amplify-api.json). A `*` marks a list: its key repeats. */
export const routes = {
  ListApps: 'GET /apps?nextToken&maxResults',
  CreateApp: 'POST /apps',
  GetApp: 'GET /apps/{appId}',
  UpdateApp: 'POST /apps/{appId}',
  DeleteApp: 'DELETE /apps/{appId}',

  ListBranches: 'GET /apps/{appId}/branches?nextToken&maxResults',
  CreateBranch: 'POST /apps/{appId}/branches',
  GetBranch: 'GET /apps/{appId}/branches/{branchName}',
  UpdateBranch: 'POST /apps/{appId}/branches/{branchName}',
  DeleteBranch: 'DELETE /apps/{appId}/branches/{branchName}',

  ListJobs: 'GET /apps/{appId}/branches/{branchName}/jobs?nextToken&maxResults',
  StartJob: 'POST /apps/{appId}/branches/{branchName}/jobs',
  GetJob: 'GET /apps/{appId}/branches/{branchName}/jobs/{jobId}',
  DeleteJob: 'DELETE /apps/{appId}/branches/{branchName}/jobs/{jobId}',
  StopJob: 'DELETE /apps/{appId}/branches/{branchName}/jobs/{jobId}/stop',

  CreateDeployment: 'POST /apps/{appId}/branches/{branchName}/deployments',
  StartDeployment: 'POST /apps/{appId}/branches/{branchName}/deployments/start',

  ListArtifacts: 'GET /apps/{appId}/branches/{branchName}/jobs/{jobId}/artifacts?nextToken&maxResults',
  GetArtifactUrl: 'GET /artifacts/{artifactId}',

  ListDomainAssociations: 'GET /apps/{appId}/domains?nextToken&maxResults',
  CreateDomainAssociation: 'POST /apps/{appId}/domains',
  GetDomainAssociation: 'GET /apps/{appId}/domains/{domainName}',
  UpdateDomainAssociation: 'POST /apps/{appId}/domains/{domainName}',
  DeleteDomainAssociation: 'DELETE /apps/{appId}/domains/{domainName}',

  ListWebhooks: 'GET /apps/{appId}/webhooks?nextToken&maxResults',
  CreateWebhook: 'POST /apps/{appId}/webhooks',
  GetWebhook: 'GET /webhooks/{webhookId}',
  UpdateWebhook: 'POST /webhooks/{webhookId}',
  DeleteWebhook: 'DELETE /webhooks/{webhookId}',

  ListBackendEnvironments: 'GET /apps/{appId}/backendenvironments?environmentName&nextToken&maxResults',
  CreateBackendEnvironment: 'POST /apps/{appId}/backendenvironments',
  GetBackendEnvironment: 'GET /apps/{appId}/backendenvironments/{environmentName}',
  DeleteBackendEnvironment: 'DELETE /apps/{appId}/backendenvironments/{environmentName}',

  ListTagsForResource: 'GET /tags/{resourceArn}',
  TagResource: 'POST /tags/{resourceArn}',
  UntagResource: 'DELETE /tags/{resourceArn}?tagKeys*',

  GenerateAccessLogs: 'POST /apps/{appId}/accesslogs',
} as const satisfies Record<OperationName, string>

export interface Route {
  name: OperationName
  method: string
  /** Undefined where the segment is a member. */
  literals: readonly (string | undefined)[]
  /** Undefined where the segment is a literal. */
  members: readonly (string | undefined)[]
  query: readonly { name: string; isList: boolean }[]
}

const table: readonly Route[] = Object.entries(routes).map(([name, text]) => {
  const [method = '', uri = ''] = text.split(' ')
  const [path = '', query = ''] = uri.split('?')
  const segments = path.slice(1).split('/')
  return {
    name: name as OperationName,
    method,
    literals: segments.map((segment) => (segment.startsWith('{') ? undefined : segment)),
    members: segments.map((segment) => (segment.startsWith('{') ? segment.slice(1, -1) : undefined)),
    query: query
      .split('&')
      .filter((member) => member !== '')
      .map((member) => ({ name: member.replace('*', ''), isList: member.endsWith('*') })),
  }
})

/** The operation of a method and a decoded path. An empty segment, and so a slash at the end, never matches. */
export function matchRoute(
  method: string,
  segments: readonly string[],
): { route: Route; members: Record<string, string> } | undefined {
  const route = table.find(
    ({ method: expected, literals }) =>
      expected === method &&
      literals.length === segments.length &&
      literals.every((literal, at) =>
        literal === undefined ? segments[at] !== '' : literal === segments[at],
      ),
  )
  if (!route) return undefined
  const members: Record<string, string> = {}
  for (const [at, name] of route.members.entries()) if (name) members[name] = segments[at]!
  return { route, members }
}
