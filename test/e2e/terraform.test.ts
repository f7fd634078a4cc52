import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { GetAppCommand, GetBranchCommand, ListAppsCommand } from '@aws-sdk/client-amplify'

import { startPreamp, type TestPreamp } from '../support/preamp.ts'
import { requiresTerraform, type Terraform } from '../support/terraform.ts'

const fixtures = join(import.meta.dir, '../fixtures/terraform')
const terraform = requiresTerraform(join(fixtures, 'provider.tf'))

/** Terraform itself, with its AWS provider: what it applied it finds again, and it never plans a change that nobody made. */
describe.if(terraform !== undefined)('terraform', () => {
  let preamp: TestPreamp
  let folder: string
  let run: Terraform

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'preamp-terraform-'))
    copyFileSync(join(fixtures, 'provider.tf'), join(folder, 'provider.tf'))
    preamp = await startPreamp({ environment: { PREAMP_DOMAIN_VERIFICATION: 'none' } })
    run = terraform!(folder, {
      AWS_ACCESS_KEY_ID: preamp.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: preamp.credentials.secretAccessKey,
      TF_VAR_endpoint: preamp.apiUrl,
    })
    run.init()
  }, 120_000)
  afterAll(async () => {
    await preamp?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** @returns what `apply` said; `plan` must find nothing to do after it */
  function applied(configuration: string): string {
    copyFileSync(join(fixtures, configuration), join(folder, 'main.tf'))
    const { output } = run('apply', '-auto-approve', '-no-color', '-refresh=false')
    const plan = run('plan', '-detailed-exitcode', '-no-color')
    expect([plan.exitCode, plan.output]).toEqual([0, expect.stringContaining('No changes.') as string])
    return output
  }

  const app = async () => {
    const { apps } = await preamp.client.send(new ListAppsCommand({}))
    expect(apps).toHaveLength(1)
    return (await preamp.client.send(new GetAppCommand({ appId: apps![0]!.appId }))).app!
  }
  const branch = async () =>
    (
      await preamp.client.send(
        new GetBranchCommand({ appId: (await app()).appId, branchName: 'release/main' }),
      )
    ).branch!

  test('applies every argument, every change and every removal, plans nothing more, and destroys', async () => {
    expect(applied('created.tf')).toContain('6 added, 0 changed, 0 destroyed')
    expect(await app()).toMatchObject({
      description: 'the first',
      environmentVariables: { ONE: '1', TWO: '2' },
      tags: { team: 'web', stage: 'test' },
    })

    expect(applied('changed.tf')).toContain('0 added, 4 changed, 0 destroyed')
    expect(await app()).toMatchObject({
      name: 'site changed',
      environmentVariables: { TWO: '3', THREE: '3' },
      tags: { team: 'ops', place: 'here' },
    })

    // What AWS itself cannot clear, Terraform leaves or makes anew (contract/terraform-sequences.md).
    expect(applied('emptied.tf')).toContain(' 0 destroyed')
    expect(await app()).toMatchObject({ environmentVariables: {}, customRules: [], tags: {}, repository: '' })
    expect(await branch()).toMatchObject({
      description: '',
      framework: '',
      environmentVariables: {},
      ttl: '5',
    })

    const { output } = run('destroy', '-auto-approve', '-no-color', '-refresh=false')
    expect(output).toContain('6 destroyed')
    expect((await preamp.client.send(new ListAppsCommand({}))).apps).toEqual([])
  }, 600_000)
})
