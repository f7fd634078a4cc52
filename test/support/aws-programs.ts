import { existsSync, realpathSync } from 'node:fs'

import type { Program } from './programs.ts'

/**
 * Every AWS CLI (`aws`), or every Python with boto3, that this machine has: Debian's, and another one where it comes first
 * on PATH. Old and new clients must both be served.
 */
export function awsPrograms(program: Extract<Program, 'aws' | 'boto3'>): string[] {
  const name = program === 'boto3' ? 'python3' : 'aws'
  const found = [`/usr/bin/${name}`, Bun.which(name)].filter((path) => path !== null && existsSync(path))
  const distinct = new Map(found.map((path) => [realpathSync(path!), path!]))
  return [...distinct.values()].filter((path) => program === 'aws' || hasModule(path, program))
}

function hasModule(python: string, module: string): boolean {
  return Bun.spawnSync([python, '-c', `import ${module}`], { stderr: 'ignore' }).exitCode === 0
}

/** What an AWS client is told by its environment; nothing of whoever runs the tests reaches it. */
export function awsEnvironment(
  credentials: { accessKeyId: string; secretAccessKey: string },
  home: string,
): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    LANG: 'C.UTF-8',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  }
}
