import type { Config } from '../config.ts'
import { quoteForShell } from '../model/shell-quote.ts'
import type { RunningServer } from '../server.ts'

/** What a server says about itself when it has started: addresses, and how to point AWS's clients at it. */
export function announcement(
  server: Pick<RunningServer, 'apiUrl' | 'sitesUrl' | 'directory'>,
  { region }: Pick<Config, 'region'>,
): string {
  const { apiUrl, directory } = server
  const { protocol, host } = new URL(server.sitesUrl)
  return `
  API    ${apiUrl}
  Sites  ${protocol}//<branch>.<app id>.${host}
  Data   ${directory.path}

Point the AWS CLI, boto3 and every other AWS SDK at it, in a shell:

  export AWS_SHARED_CREDENTIALS_FILE=${quoteForShell(directory.credentials)} AWS_PROFILE=default
  export AWS_REGION=${region} AWS_DEFAULT_REGION=${region}
  export AWS_ENDPOINT_URL_AMPLIFY=${apiUrl} AWS_ENDPOINT_URL_STS=${apiUrl}
  aws amplify list-apps

The AWS CLI before 2.13 and boto3 before 1.28 do not read AWS_ENDPOINT_URL_AMPLIFY; give them the address:

  aws --endpoint-url ${apiUrl} amplify list-apps
  boto3.client('amplify', endpoint_url='${apiUrl}')
`
}
