#!/usr/bin/env bun
import { Command } from 'commander'

import packageJson from '../package.json' with { type: 'json' }
import { UsageError } from './usage-error.ts'

/** Each command is loaded only when it is asked for: an edge process needs no Git, `preamp keys` no server. */
const commands: Record<string, () => Promise<{ register(program: Command): void }>> = {
  serve: () => import('./cli/serve.ts'),
  demo: () => import('./cli/demo.ts'),
  deploy: () => import('./cli/deploy.ts'),
  logs: () => import('./cli/logs.ts'),
  access: () => import('./cli/access.ts'),
  explain: () => import('./cli/explain.ts'),
  keys: () => import('./cli/keys.ts'),
  domains: () => import('./cli/domains.ts'),
  rollback: () => import('./cli/rollback.ts'),
  secrets: () => import('./cli/secrets.ts'),
  registry: () => import('./cli/registry.ts'),
  image: () => import('./cli/image.ts'),
  options: () => import('./cli/options.ts'),
  notifications: () => import('./cli/notifications.ts'),
  audit: () => import('./cli/audit.ts'),
  backup: () => import('./cli/backup.ts'),
  restore: () => import('./cli/restore.ts'),
  doctor: () => import('./cli/doctor.ts'),
  edge: () => import('./cli/edge.ts'),
}

async function main(args: string[]): Promise<void> {
  const program = new Command('preamp')
    .description('AWS Amplify Hosting on your own machines.')
    .version(packageJson.version)
  const asked = commands[args[0] ?? '']
  const needed = asked ? [asked] : Object.values(commands)
  for (const load of needed) (await load()).register(program)
  await program.parseAsync(args, { from: 'user' })
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
