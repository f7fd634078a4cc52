import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'

import { awsEnvironment, awsPrograms } from '../support/aws-programs.ts'
import { operationNames } from '../support/contract.ts'
import { createGitRepository, type TestRepository } from '../support/git-repository.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { requires } from '../support/requires.ts'
import { runProgram } from '../support/run-program.ts'
import { walkedSite } from '../support/walked-site.ts'

const script = join(import.meta.dir, '../fixtures/clients/walk.py')

describe.if(requires('boto3', 'git'))('boto3', () => {
  let preamp: TestPreamp
  let repository: TestRepository
  beforeAll(async () => {
    repository = await createGitRepository(walkedSite)
    preamp = await startPreamp()
  }, 60_000)
  afterAll(async () => {
    await preamp?.stop()
    repository?.remove()
  })

  test.each(awsPrograms('boto3'))(
    'of %s walks through all operations',
    async (python) => {
      const output = await runProgram([python, script, preamp.apiUrl, preamp.sitesUrl, repository.url], {
        env: awsEnvironment(preamp.credentials, preamp.dataDir),
      })
      expect(JSON.parse(output)).toEqual([...operationNames].toSorted())
    },
    120_000,
  )
})
