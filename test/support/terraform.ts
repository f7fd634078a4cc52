import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { reportSkipped } from './requires.ts'

/** Terraform in a folder with its configuration. */
export interface Terraform {
  /** @throws when it fails, but for `plan`, whose exit code 2 says that there is something to do */
  (...parameters: string[]): { output: string; exitCode: number }
  init(): void
}

/**
 * Terraform with the providers that a configuration asks for, or undefined where it or they are missing; the suite is then
 * named as skipped. Providers come from the folder of PREAMP_TEST_TERRAFORM_PLUGINS, else from where Terraform looks
 * itself: its configuration, and the folders of local providers. apt has neither, so that CI may go without them.
 */
export function requiresTerraform(
  configuration: string,
): ((folder: string, environment: Record<string, string>) => Terraform) | undefined {
  const program = Bun.which('terraform')
  if (program) {
    const folder = mkdtempSync(join(tmpdir(), 'preamp-terraform-'))
    copyFileSync(configuration, join(folder, 'main.tf'))
    const { exitCode } = spawn([program, ...initParameters()], folder, {})
    rmSync(folder, { recursive: true, force: true })
    if (exitCode === 0) return (...parameters) => terraformIn(program, ...parameters)
  }
  reportSkipped('terraform with its AWS provider')
  return undefined
}

function initParameters(): string[] {
  const plugins = process.env['PREAMP_TEST_TERRAFORM_PLUGINS']
  return ['init', '-input=false', '-no-color', ...(plugins ? [`-plugin-dir=${plugins}`] : [])]
}

function terraformIn(program: string, folder: string, environment: Record<string, string>): Terraform {
  const run = (...parameters: string[]) => {
    const { exitCode, output } = spawn([program, ...parameters], folder, environment)
    const isDifference = parameters[0] === 'plan' && exitCode === 2
    if (exitCode !== 0 && !isDifference) {
      throw new Error(`terraform ${parameters.join(' ')} ended with ${exitCode}:\n${output}`)
    }
    return { output, exitCode }
  }
  return Object.assign(run, { init: () => void run(...initParameters()) })
}

function spawn(
  command: string[],
  cwd: string,
  environment: Record<string, string>,
): { exitCode: number; output: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    cwd,
    env: { ...withoutAws(process.env), CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', ...environment },
    stdin: 'ignore',
    timeout: 180_000,
  })
  return { exitCode, output: `${stdout.toString()}${stderr.toString()}` }
}

/** Keys and settings of whoever runs the tests must not reach the program. */
function withoutAws(environment: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(AWS|TF_VAR)_/.test(name)))
}
