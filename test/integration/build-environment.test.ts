import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { newId } from '../../src/model/ids.ts'
import { findBranchById } from '../../src/store/branches.ts'
import { setBuildSecret } from '../../src/store/build-secrets.ts'
import { findEnvironmentCache } from '../../src/store/environment-caches.ts'
import { SecretBox } from '../../src/store/secret-box.ts'
import { createGitRepository, type TestRepository } from '../support/git-repository.ts'
import { type JobRuns, openJobRuns } from '../support/job-runs.ts'
import { requires } from '../support/requires.ts'

/** What builds get besides variables: the secrets of their branch, and what `envCache` kept for them. */

const repositories: TestRepository[] = []
afterAll(() => {
  for (const repository of repositories) repository.remove()
})

const specOf = (...commands: string[]) => `version: 1
frontend:
  phases:
    build:
      commands:
        - mkdir -p out; touch out/index.html
${commands.map((command) => `        - ${JSON.stringify(command)}\n`).join('')}  artifacts:
    baseDirectory: out
`

const executors = [
  ['process', true],
  ['bubblewrap', requires('bwrap')],
] as const

describe.each(executors.filter(([, there]) => there).map(([name]) => name))('a build by %s', (executor) => {
  let runs: JobRuns
  beforeAll(async () => {
    runs = await openJobRuns({ executor })
  })
  afterAll(() => runs.close())

  async function addSite(
    ...commands: string[]
  ): Promise<{ branchId: string; appId: string; repository: TestRepository }> {
    const repository = await createGitRepository({ 'amplify.yml': specOf(...commands) })
    repositories.push(repository)
    const branchId = await runs.addApp({ repository: repository.url })
    const { appId } = (await findBranchById(runs.database.queries, branchId))!
    return { branchId, appId, repository }
  }

  async function run(branchId: string): Promise<{ status: string; log: string; output: string[] }> {
    const jobKey = await runs.start(branchId)
    const { status } = await runs.finish(jobKey)
    const log = await runs.log(jobKey, 'BUILD')
    const lines = log.replace(/^\S+ /gm, '').replace(/^ +/gm, '').split('\n')
    const output = lines.filter((line) => line.includes('>>'))
    return {
      status,
      log,
      output: output.filter((line) => !line.includes('Executing')).map((line) => line.replace(/^.*>>/, '')),
    }
  }

  const box = new SecretBox(Buffer.alloc(32, 1))
  const addSecret = (appId: string, branchName: string, name: string, value: string) =>
    setBuildSecret(runs.database.queries, { appId, branchName, name, value: box.seal(value), updatedAt: 1 })

  describe('and envCache', () => {
    test('keeps values for the next build of the branch', async () => {
      const { branchId, repository } = await addSite(
        'echo ">>$(envCache --get count)."',
        'envCache --set count 1; envCache --set count "a=b\n  two words ä"; envCache --set other x',
        'cd /tmp && sh -c "envCache --get other" | sed s/^/\\>\\>/',
      )
      expect((await run(branchId)).output).toEqual(['.', 'x'])
      const row = await findEnvironmentCache(runs.database.queries, branchId)
      expect(box.open<object>(row!.variables)).toEqual({ count: 'a=b\n  two words ä', other: 'x' })
      repository.commit({
        'amplify.yml': specOf('echo ">>$(envCache --get count | wc -l)"', 'envCache --set other ""'),
      })
      const second = await run(branchId)
      expect(second.output).toEqual(['2'])
      expect(second.log).toMatch(
        /# Retrieving environment cache\.\.\.[^]*## Starting Frontend Build[^]*# Starting environment caching\.\.\.\n.*# Environment caching completed\n[^]*Uploading build artifact/,
      )
      const after = await findEnvironmentCache(runs.database.queries, branchId)
      expect(box.open<object>(after!.variables)).toEqual({ count: 'a=b\n  two words ä', other: '' })
    })

    test('keeps nothing of a build that failed', async () => {
      const { branchId } = await addSite('envCache --set key value', 'false')
      expect((await run(branchId)).status).toBe('FAILED')
      expect(await findEnvironmentCache(runs.database.queries, branchId)).toBeUndefined()
    })

    test('keeps what was set although the artifacts are missing', async () => {
      const { branchId } = await addSite('envCache --set key value; rm -r out')
      expect((await run(branchId)).status).toBe('FAILED')
      expect(await findEnvironmentCache(runs.database.queries, branchId)).toBeDefined()
    })

    test('says what is wrong with a call', async () => {
      const { branchId } = await addSite(
        'envCache --set "a b" x; echo ">>$?"',
        'envCache; echo ">>$?"',
        'envCache --get unknown; echo ">>$?"',
      )
      const { output, log } = await run(branchId)
      expect(output).toEqual(['2', '2', '0'])
      expect(log).toContain('[WARNING]: envCache: a b: a key is 1 to 128 letters, digits, and . _ -')
      expect(log).toContain('[WARNING]: Usage: envCache --set KEY VALUE, envCache --get KEY')
    })

    const file = '"$(dirname "$(command -v envCache)")/variables"'
    test.each([
      ['a link', `ln -sf /etc/passwd ${file}`],
      ['a pipe', `rm -f ${file}; mkfifo ${file}`],
      ['another name of a file', `echo x > y; rm -f ${file}; ln y ${file}`],
      ['nothing', `rm -f ${file}`],
      ['a folder', `rm -f ${file}; mkdir ${file}`],
      ['a link above it', 'D=$(dirname "$(command -v envCache)"); rm -r "$D"; ln -s /etc "$D"'],
      ['too much', `head -c 300000 /dev/zero > ${file}`],
      ['too many keys', `for i in $(seq 300); do printf "k$i=v\\\\0"; done > ${file}`],
      ['too long values', `printf "k=%70000d\\\\0" 1 > ${file}`],
      ['no key', `printf "=v\\\\0" > ${file}`],
      ['no UTF-8', `printf "k=\\\\377\\\\0" > ${file}`],
    ])('takes %s for no cache, and goes on', async (_what, command) => {
      const { branchId, repository } = await addSite('envCache --set key value')
      await run(branchId)
      repository.commit({ 'amplify.yml': specOf(command) })
      const { status, log } = await run(branchId)
      expect([status, log]).toEqual([
        'SUCCEED',
        expect.stringMatching(/\[WARNING\]: # The environment cache is not kept: /) as string,
      ])
      const row = await findEnvironmentCache(runs.database.queries, branchId)
      expect(box.open<object>(row!.variables)).toEqual({ key: 'value' })
    })
  })

  describe('with secrets', () => {
    test('finds them in the variable secrets, those of its branch first', async () => {
      const { branchId, appId } = await addSite(
        'echo "$secrets" > out/secrets.json',
        'echo ">>$secrets"',
        'echo "$secrets" | base64 -w 30',
      )
      await addSecret(appId, '', 'SHARED', 'shared-"value"')
      await addSecret(appId, '', 'TOKEN', 'of-all-branches')
      await addSecret(appId, 'main', 'TOKEN', `of-main-${newId()}`)
      await addSecret(appId, 'other', 'OTHER', 'of-another-branch')
      const { status, output, log } = await run(branchId)
      expect(status).toBe('SUCCEED')
      const { 'secrets.json': json } = (await runs.liveFiles(branchId))!
      const secrets = JSON.parse(json!) as Record<string, string>
      expect(secrets).toEqual({
        SHARED: 'shared-"value"',
        TOKEN: expect.stringMatching(/^of-main-/) as string,
      })
      expect(output[0]).toBe('{"SHARED":"******","TOKEN":"******"}')
      const start = Math.ceil(json!.indexOf('of-main-') / 3)
      const inBase64 = Buffer.from(json!)
        .toString('base64')
        .slice(start * 4, start * 4 + 40)
      expect(log.replace(/\s/g, '')).not.toContain(inBase64)
      expect(log).toMatch(
        /\[INFO\]: ---- Setting Up SSM Secrets ----\n.*\[INFO\]: # The variable "secrets" holds: SHARED, TOKEN\n/,
      )
    })

    test('shows none of a key of several lines', async () => {
      const key = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0AQEF\n'.repeat(4)}-----END PRIVATE KEY-----`
      const { branchId, appId } = await addSite(
        'node -e "console.log(JSON.parse(process.env.secrets).KEY)" > key',
        'cat key; tail -n 2 key; base64 key; fold -w 9 key; cat key >&2',
        'while IFS= read -r -n 1 c; do printf %s "$c"; done < key; echo',
        'set -x; : "$(cat key)"; exit 3',
      )
      await addSecret(appId, '', 'KEY', key)
      const { status, log } = await run(branchId)
      expect(status).toBe('FAILED')
      expect(log).toContain('******')
      expect(log).not.toContain('MIIEv')
      expect(log).not.toContain('PRIVATE')
      expect(log).not.toContain(Buffer.from(key).toString('base64').slice(0, 40))
      expect(log.replace(/\s/g, '')).not.toContain('QIBADANBgkqhkiG9w0AQ')
    })

    test('has none without them', async () => {
      const { branchId } = await addSite('echo ">>${secrets-unset}"')
      const { output, log } = await run(branchId)
      expect(output).toEqual(['unset'])
      expect(log).toContain('[INFO]: # No secrets are set for this app and branch.')
    })
  })
})
