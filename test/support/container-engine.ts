import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  callEngine,
  type ContainerEngine,
  findEngine,
  requireEngine,
} from '../../src/build/executors/docker-engine.ts'
import { hasCode } from '../../src/model/error-code.ts'
import { reportSkipped, requires } from './requires.ts'
import { runProgram } from './run-program.ts'
import { layOutBuildSystem } from './test-image.ts'
import { waitFor } from './wait-for.ts'

/** A Podman with settings and storage of its own, and the test image in it. */
export interface TestEngine {
  engine: ContainerEngine
  /** Variables by which a server finds it. */
  environment: Record<string, string>
}

export const testImage = 'localhost/preamp-test-build:latest'

/** Names the engine's folder to all processes that share it: those of one test, or of a whole `npm test`. */
export const engineFolderVariable = 'PREAMP_TEST_PODMAN'

const importSecondsMax = 120

/**
 * The defaults of Podman ask for more open files than a machine without CAP_SYS_RESOURCE grants, and its usual runtime, crun,
 * for cgroups that are not mounted in both versions. systemd need not be there.
 */
const settings = `
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
`

/**
 * Whether containers can be started: where the programs are there, what the kernel refuses is named as the reason. A file that
 * asks calls {@link closeTestEngine} after all its tests.
 */
export async function requiresContainers(): Promise<boolean> {
  if (process.getuid!() !== 0) {
    reportSkipped('root, which the containers of tests are started by')
    return false
  }
  if (!requires('podman', 'runc', 'catatonit', 'slirp4netns', 'nft')) return false
  const engine = await openTestEngine()
  if (typeof engine !== 'string') return true
  reportSkipped(`containers: ${engine}`)
  return false
}

let opened: Promise<TestEngine | string> | undefined
let ownFolder: string | undefined

/**
 * Opens Podman for tests, once for each test process.
 * @returns the engine's own reason where this machine's kernel does not let it start a container
 */
export function openTestEngine(): Promise<TestEngine | string> {
  opened ??= makeTestEngine()
  return opened
}

/** Settings of a server whose builds run in containers of the engine. */
export function containerSettings({ engine, environment }: TestEngine): Record<string, string> {
  return {
    ...environment,
    PREAMP_EXECUTOR: 'docker',
    PREAMP_DOCKER_COMMAND: engine.command,
    PREAMP_BUILD_IMAGE: testImage,
  }
}

/** Removes the engine, unless it is that of the whole `npm test`. */
export function closeTestEngine(): void {
  if (ownFolder === undefined) return
  removeTestEngine(ownFolder)
  delete process.env[engineFolderVariable]
  ownFolder = undefined
  opened = undefined
}

/** Ends and removes what an engine has, where there is one. */
export function removeTestEngine(folder: string): void {
  if (!existsSync(folder)) return
  const env = engineEnvironment(folder)
  Bun.spawnSync(['podman', 'rm', '--all', '--force'], { env, stderr: 'ignore' })
  // Podman mounts it over itself, and leaves it mounted.
  Bun.spawnSync(['umount', join(folder, 'storage/overlay')], { stderr: 'ignore' })
  rmSync(folder, { recursive: true, force: true })
}

function engineEnvironment(folder: string): Record<string, string> {
  return {
    PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
    HOME: folder,
    CONTAINERS_CONF: join(folder, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
  }
}

async function makeTestEngine(): Promise<TestEngine | string> {
  const shared = process.env[engineFolderVariable]
  // Podman makes sockets below it, whose paths have 107 characters: with a longer folder each call takes 20 s more.
  ownFolder = shared === undefined ? join(tmpdir(), `preamp-podman-${process.pid}`) : undefined
  const folder = (process.env[engineFolderVariable] = shared ?? ownFolder!)
  const environment = engineEnvironment(folder)
  const ready = join(folder, 'ready')
  const isFirst = makeFolder(folder)
  if (isFirst) {
    const storage = `graphroot = "${folder}/storage"\nrunroot = "${folder}/run"\n`
    writeFileSync(environment['CONTAINERS_CONF']!, settings)
    writeFileSync(environment['CONTAINERS_STORAGE_CONF']!, `[storage]\ndriver = "overlay"\n${storage}`)
  } else {
    await waitFor('the test image', importSecondsMax, () => existsSync(ready))
  }
  const engine = await findEngine('podman', environment)
  if (typeof engine === 'string') return engine
  if (isFirst) await importImage(engine, testImage, layOutBuildSystem)
  writeFileSync(ready, '')
  const first = await callEngine(engine, ['run', '--rm', '--network', 'none', testImage, 'true'])
  return first.exitCode === 0 ? { engine, environment } : first.complaint
}

/** Whether it was not there before: of several processes one does what is to be done once. */
function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    return false
  }
}

/**
 * Makes an image of a folder that is laid out for it; the folder is gone afterwards.
 * @param changes instructions of a Dockerfile
 */
export async function importImage(
  engine: ContainerEngine,
  name: string,
  layOut: (root: string) => unknown,
  changes: string[] = [],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-image-'))
  try {
    const root = join(folder, 'root')
    const archive = join(folder, 'image.tar')
    mkdirSync(root)
    await layOut(root)
    await runProgram(['tar', '-C', root, '-c', '-f', archive, '.'], { env: engine.environment })
    const options = changes.flatMap((change) => ['--change', change])
    await requireEngine(engine, ['import', ...options, archive, name], { secondsMax: importSecondsMax })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
