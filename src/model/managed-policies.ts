import type { PolicyDocument } from './policy-document.ts'

const version = '2012-10-17'

/** Everything, on everything. */
export const adminPolicy: PolicyDocument = {
  Version: version,
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
}

/**
 * Whatever changes nothing, in the API and in our own endpoints. Not webhooks: who reads one learns its URL, and can have
 * its branch built.
 */
export const readOnlyPolicy: PolicyDocument = {
  Version: version,
  Statement: [
    {
      Effect: 'Allow',
      Action: [
        'amplify:GetApp',
        'amplify:GetArtifactUrl',
        'amplify:GetBackendEnvironment',
        'amplify:GetBranch',
        'amplify:GetDomainAssociation',
        'amplify:GetJob',
        'amplify:ListApps',
        'amplify:ListArtifacts',
        'amplify:ListBackendEnvironments',
        'amplify:ListBranches',
        'amplify:ListDomainAssociations',
        'amplify:ListJobs',
        'amplify:ListTagsForResource',
        'preamp:Get*',
        'preamp:List*',
      ],
      Resource: '*',
    },
  ],
}

/** What it takes to publish to the branches of one app that are there, and to follow the jobs: nothing else, on nothing else. */
export function deployOnlyPolicy(appId: string): PolicyDocument {
  return {
    Version: version,
    Statement: [
      {
        Effect: 'Allow',
        Action: [
          'amplify:GetApp',
          'amplify:GetBranch',
          'amplify:ListBranches',
          'amplify:CreateDeployment',
          'amplify:StartDeployment',
          'amplify:StartJob',
          'amplify:StopJob',
          'amplify:GetJob',
          'amplify:ListJobs',
          'amplify:ListArtifacts',
          'amplify:GetArtifactUrl',
        ],
        Resource: [`arn:aws:amplify:*:*:apps/${appId}`, `arn:aws:amplify:*:*:apps/${appId}/*`],
      },
    ],
  }
}
