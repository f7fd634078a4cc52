import { storedVerifier } from '../model/credentials-verifier.ts'
import type { Services } from './context.ts'

/** The columns of an app or a branch in which its secrets are kept, and what edges need of them. */
export function secretColumns(
  secrets: { basicAuthCredentials?: string },
  { secrets: box, credentialsKey }: Pick<Services, 'secrets' | 'credentialsKey'>,
): { secrets: string; basicAuth: string } {
  return {
    secrets: box.seal(secrets),
    basicAuth: storedVerifier(secrets.basicAuthCredentials, credentialsKey),
  }
}
