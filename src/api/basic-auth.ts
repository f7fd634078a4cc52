import { credentialsVerifier } from '../model/credentials-verifier.ts'
import type { Services } from './context.ts'

/** The columns of an app or a branch in which its secrets are kept, and what edges need of them. */
export function secretColumns(
  secrets: { basicAuthCredentials?: string },
  { secrets: box, credentialsKey }: Pick<Services, 'secrets' | 'credentialsKey'>,
): { secrets: string; basicAuth: string | null } {
  const { basicAuthCredentials } = secrets
  const verifier =
    basicAuthCredentials === undefined ? undefined : credentialsVerifier(basicAuthCredentials, credentialsKey)
  return {
    secrets: box.seal(secrets),
    basicAuth: verifier ? Buffer.from(verifier).toString('base64url') : null,
  }
}
