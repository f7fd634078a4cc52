import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'

import type { RegistryCredentials } from '../../src/model/settings.ts'
import {
  closeTestEngine,
  importImage,
  openTestEngine,
  requiresContainers,
  type TestEngine,
} from '../support/container-engine.ts'
import { createGitRepository, type TestRepository } from '../support/git-repository.ts'
import { startImageRegistry, type TestRegistry } from '../support/image-registry.ts'
import { type JobRuns, openJobRuns } from '../support/job-runs.ts'
import { requires } from '../support/requires.ts'
import { layOutSystem, smallImage } from '../support/test-image.ts'

afterAll(closeTestEngine)

describe.if(requires('docker-registry') && (await requiresContainers()))('the image of a build', () => {
  let testEngine: TestEngine
  let registry: TestRegistry
  let runs: JobRuns
  let repository: TestRepository
  let custom: string
  let withoutShell: string

  beforeAll(async () => {
    testEngine = (await openTestEngine()) as TestEngine
    const { engine } = testEngine
    registry = await startImageRegistry()
    const marked = ['ENV FROM_IMAGE=yes', 'ENV PATH=/opt/tools:/usr/bin', 'ENTRYPOINT ["/bin/false"]']
    await importImage(engine, 'localhost/custom', (root) => layOutSystem(root, smallImage), marked)
    custom = await registry.take(engine, 'localhost/custom', 'team/custom:1')
    await importImage(engine, 'localhost/empty', (root) => Bun.write(`${root}/readme`, 'nothing to run'))
    withoutShell = await registry.take(engine, 'localhost/empty', 'team/empty:1')
    repository = await createGitRepository({ 'index.html': 'the page' })
    runs = await openJobRuns({ executor: 'docker', engine: testEngine })
  })
  afterAll(async () => {
    await runs.close()
    repository.remove()
    await registry.stop()
  })

  const credentials = (): RegistryCredentials => {
    const { server, userName, password } = registry
    return { server, userName, password }
  }

  async function build(image: string, registryCredentials?: RegistryCredentials) {
    const commands = '["env", "type git || true", "mkdir out; cp index.html out"]'
    const buildSpec = `version: 1\nfrontend:\n  phases: { build: { commands: ${commands} } }\n  artifacts: { baseDirectory: out }\n`
    const branchId = await runs.addApp(
      { repository: repository.url, buildSpec, environmentVariables: { _CUSTOM_IMAGE: image } },
      { secrets: registryCredentials ? { registry: registryCredentials } : {} },
    )
    const { jobKey, status, statusReason } = await runs.finish(await runs.start(branchId))
    return { status, statusReason, log: await runs.log(jobKey, 'BUILD') }
  }

  test('is the one that _CUSTOM_IMAGE names, pulled with the credentials of the app, with its variables', async () => {
    const { status, log } = await build(custom, credentials())
    expect(status, log).toBe('SUCCEED')
    expect(log).toContain('FROM_IMAGE=yes')
    expect(log).toMatch(/ PATH=\S+\/\.npm-global\/bin:\S+:\/opt\/tools:\/usr\/bin\n/)
    // The default image of this test has Git.
    expect(log).toContain('git: not found')
    expect(log).not.toContain(registry.password)
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('preamp-registry-'))).toEqual([])
  })

  test('is not for an app without the credentials, though another app has pulled it', async () => {
    expect((await build(custom, credentials())).status).toBe('SUCCEED')
    const { status, statusReason } = await build(custom)
    expect(status).toBe('FAILED')
    expect(statusReason).toContain(`The image ${custom} could not be pulled without credentials`)
    expect(statusReason).toContain('preamp registry')
  })

  test('is not for an app with wrong ones, which nobody gets to see', async () => {
    const wrong = { ...credentials(), password: 'wrong-password-1' }
    const { status, statusReason, log } = await build(custom, wrong)
    expect(status).toBe('FAILED')
    expect(statusReason).toContain(`as ${registry.userName} at ${registry.server}`)
    expect(statusReason + log).not.toContain('wrong-password-1')
  })

  test.each([
    ['--privileged', 'is not the name of an image'],
    ['dir:/etc', 'is not the name of an image'],
    ['169.254.169.254/latest', 'cannot be pulled'],
  ])('is never %s', async (image, words) => {
    const { status, statusReason } = await build(image)
    expect(status).toBe('FAILED')
    expect(statusReason).toContain(words)
  })

  test('has to have a bash', async () => {
    const { status, statusReason } = await build(withoutShell, credentials())
    expect(status).toBe('FAILED')
    expect(statusReason).toMatch(
      /^The image \S+ cannot run a build: it has to have a \/bin\/bash\. .*No such file/,
    )
  })

  test('is the default where Amplify’s own is named, and the log says so', async () => {
    const { status, log } = await build('amplify:al2023')
    expect(status, log).toBe('SUCCEED')
    expect(log).toContain("this server's default image takes its place")
    expect(log).toContain('git is /usr/bin/git')
  })
})
