import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { awsEnvironment, awsPrograms } from '../support/aws-programs.ts'
import { operationNames } from '../support/contract.ts'
import { createGitRepository, type TestRepository } from '../support/git-repository.ts'
import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { requires } from '../support/requires.ts'
import { runProgram } from '../support/run-program.ts'
import { walkedSite } from '../support/walked-site.ts'
import { zipOf } from '../support/zip-writer.ts'

const script = join(import.meta.dir, '../fixtures/clients/walk.sh')

describe.if(requires('aws', 'git', 'curl'))('the AWS CLI', () => {
  let preamp: TestPreamp
  let repository: TestRepository
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'preamp-aws-cli-'))
    await Bun.write(join(folder, 'site.zip'), zipOf([{ name: 'index.html', content: 'zipped' }]))
    repository = await createGitRepository(walkedSite)
    preamp = await startPreamp()
  }, 60_000)
  afterAll(async () => {
    await preamp?.stop()
    repository?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(awsPrograms('aws'))(
    'of %s walks through all operations',
    async (aws) => {
      const env = {
        ...awsEnvironment(preamp.credentials, folder),
        AWS: aws,
        ENDPOINT: preamp.apiUrl,
        SITES_URL: preamp.sitesUrl,
        // The CLI would read the file that a file:// URL names.
        REPOSITORY: repository.folder,
      }
      await runProgram(['bash', script], { cwd: folder, env })
    },
    420_000,
  )

  test('its walk leaves no operation out', () => {
    const commands = readFileSync(script, 'utf8')
    const missing = operationNames.filter((name) => !new RegExp(`\\b${kebab(name)} `).test(commands))
    expect(missing).toEqual([])
  })
})

/** `GetArtifactUrl` as the CLI calls it: `get-artifact-url`. */
const kebab = (name: string) => name.replace(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()
