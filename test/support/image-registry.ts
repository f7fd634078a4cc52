import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type ContainerEngine, requireEngine } from '../../src/build/executors/docker-engine.ts'
import { freePort } from './free-ports.ts'
import { waitFor } from './wait-for.ts'

/** A registry of images that asks for a name and a password. */
export interface TestRegistry {
  /** As the names of its images begin. */
  server: string
  userName: string
  password: string
  /** Puts a local image there and removes the local one. */
  take(engine: ContainerEngine, local: string, path: string): Promise<string>
  stop(): Promise<void>
}

export async function startImageRegistry(): Promise<TestRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-test-registry-'))
  const server = `127.0.0.1:${freePort()}`
  const [userName, password] = ['builder', 'registry-password-1']
  const hash = await Bun.password.hash(password, { algorithm: 'bcrypt', cost: 4 })
  writeFileSync(join(folder, 'htpasswd'), `${userName}:${hash}\n`)
  const settings = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'images') } },
    http: { addr: server },
    auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } },
  }
  // JSON is YAML too.
  writeFileSync(join(folder, 'registry.yml'), JSON.stringify(settings))
  const child = Bun.spawn(['docker-registry', 'serve', join(folder, 'registry.yml')], {
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  await waitFor('the registry', 30, () =>
    fetch(`http://${server}/v2/`).then(
      ({ status }) => status === 401,
      () => false,
    ),
  )
  return {
    server,
    userName,
    password,
    async take(engine, local, path) {
      const reference = `${server}/${path}`
      const signedIn = [`--creds=${userName}:${password}`, '--tls-verify=false']
      await requireEngine(engine, ['push', '--quiet', ...signedIn, local, `docker://${reference}`])
      await requireEngine(engine, ['rmi', '--force', local])
      return reference
    },
    async stop() {
      child.kill()
      await child.exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
