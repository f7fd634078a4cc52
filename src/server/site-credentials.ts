import type { Logger } from 'pino'

import { arePair, type CredentialsState, storedVerifier } from '../model/credentials-verifier.ts'
import type { AppSecrets, BranchSecrets } from '../model/settings.ts'
import { type SecretBox, UnreadableSecret } from '../store/secret-box.ts'

/** The key that makes verifiers of the credentials of sites. */
export function credentialsKeyOf(secrets: SecretBox): Buffer {
  return secrets.deriveKey('site-credentials')
}

/** What edges know of the credentials in a row's sealed secrets; undefined where they cannot be read. */
export function basicAuthOf(sealed: string, secrets: SecretBox, log: Logger): string | undefined {
  try {
    const { basicAuthCredentials } = secrets.open<AppSecrets | BranchSecrets>(sealed)
    return storedVerifier(basicAuthCredentials, credentialsKeyOf(secrets))
  } catch (error) {
    if (!(error instanceof UnreadableSecret)) throw error
    // Nobody passes where a password is asked for; everything else goes on.
    log.error({ err: error }, 'the credentials of an app or a branch cannot be read')
    return undefined
  }
}

/** Whether the credentials in a row's sealed secrets let anybody in. */
export function credentialsState(sealed: string | null, secrets: SecretBox): CredentialsState {
  if (sealed === null) return 'none'
  try {
    const { basicAuthCredentials } = secrets.open<AppSecrets | BranchSecrets>(sealed)
    if (!basicAuthCredentials) return 'none'
    return arePair(basicAuthCredentials) ? 'pair' : 'no-pair'
  } catch (error) {
    if (!(error instanceof UnreadableSecret)) throw error
    return 'unreadable'
  }
}
