import type { RepositoryCloneMethod } from '@aws-sdk/client-amplify'

import { parseRepository, type Repository, RepositoryRefused } from '../git/repository.ts'
import { BadRequestException } from './errors.ts'

/**
 * Checks a repository's address: any Git URL will do, and a token is needed only where the host asks for one.
 * @throws {BadRequestException} for an address that Git must not be given, or that holds a password
 */
export function checkRepository(text: string, { fileRepositories }: { fileRepositories: boolean }): void {
  const repository = parse(text)
  if (repository.kind === 'file' && !fileRepositories) {
    throw new BadRequestException(
      'Repository provider not supported. Repositories on the server itself are taken only where it is bound to a loopback address or allows them by its settings.',
    )
  }
  // It would be stored in the clear and answered by GetApp; tokens are encrypted and never answered.
  if (repository.kind === 'http' && repository.credentials) {
    throw new BadRequestException(
      'The address of the repository must not hold a user name or password. Leave them out and send the password or token as accessToken.',
    )
  }
}

const cloneMethods = { http: 'TOKEN', ssh: 'SSH', file: undefined } as const

/** Absent for a repository that is cloned from a path. SIGV4 is CodeCommit's alone. */
export function cloneMethod(text: string): RepositoryCloneMethod | undefined {
  return cloneMethods[parseRepository(text).kind]
}

function parse(text: string): Repository {
  try {
    return parseRepository(text)
  } catch (error) {
    if (!(error instanceof RepositoryRefused)) throw error
    throw new BadRequestException(`Repository provider not supported. ${error.message}`)
  }
}
