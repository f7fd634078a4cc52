import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { customerError } from '../build-failed.ts'
import type { Executor, SessionOptions } from '../executor.ts'
import { completeEnvironment } from './default-environment.ts'
import { type ContainerFiles, createContainer, startContainer } from './docker-container.ts'
import type { ContainerEngine } from './docker-engine.ts'
import { containerGroup, containerLabels, removeContainers } from './docker-group.ts'
import { findImage, type LocalImage, pullImage } from './docker-image.ts'
import type { ContainerNetwork, NetworkTools } from './docker-network.ts'
import { seccompProfile } from './docker-seccomp.ts'
import { endProcesses } from './end-processes.ts'
import { buildUserName } from './host-session.ts'
import { type BuildUser, homeName, prepareJobFolder } from './job-folder.ts'
import { instanceMark, jobMark } from './job-mark.ts'
import type { OpenPlace } from './network-rules.ts'
import { passwdText, workPlace } from './sandbox.ts'

export interface DockerOptions {
  engine: ContainerEngine
  /** Path of the data directory: tells this server's containers from another's. A folder of it is made for their files. */
  instance: string
  /** User to whom a server that runs as root drops its builds. */
  user: BuildUser | undefined
  /** Image of the builds whose app names none: on this machine already. */
  image: string
  /** Certificates that the server's environment names. */
  files: readonly string[]
  /** Whether images may come from registries at private and loopback addresses, and builds may reach private ones. */
  privateAllowed: boolean
  network: ContainerNetwork
  /** What is open although it is private; asked for each session, as names may lead elsewhere by then. */
  open(): Promise<OpenPlace[]>
  /** By which networks are closed, or what is missing for that. */
  networkTools: NetworkTools | string
}

/** Where an image has its programs if it does not say so. */
const standardPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Runs builds in containers, one for each session, by the command of Docker or Podman. */
export function openDockerExecutor(options: DockerOptions): Executor {
  const { engine, instance } = options
  const user = containerUser(options)
  const containerFiles = writeContainerFiles(instance, user)
  return {
    name: 'docker',
    canCutNetwork: true,
    sharesNetwork: false,
    networkWarning: networkWarning(options),

    async open(session) {
      const image = await imageOf(options, session)
      const folder = await prepareJobFolder(session, options.user)
      const mark = jobMark(instance, session.jobKey)
      const { PATH: path = standardPath, ...ofImage } = image.environment
      const environment = completeEnvironment(
        { ...ofImage, HOME: home, ...session.environment },
        { home, temporary: '/tmp', path, user: buildUserName },
        mark,
      )
      const group = containerGroup(engine, mark)
      const own = { session, mark, group, environment, folder, image }
      const container = { ...options, user, containerFiles, ...own }
      try {
        await createContainer(container)
        return await startContainer(container)
      } catch (error) {
        await endProcesses({ mark, group })
        if (!session.image || !(error instanceof Error)) throw error
        throw customerError(
          `The image ${session.image.reference} cannot run a build: it has to have a /bin/bash. ${error.message}`,
        )
      }
    },

    reap: (jobKey) => {
      const mark = jobMark(instance, jobKey)
      return endProcesses({ mark, group: containerGroup(engine, mark) })
    },
  }
}

function networkWarning({ networkTools }: DockerOptions): string | undefined {
  if (typeof networkTools !== 'string') return undefined
  return `Builds in containers reach link-local and private addresses of this network, a metadata service included: closing them needs nft, and ${networkTools}.`
}

/** Removes every container that a server with this data directory, now dead, left behind. */
export function removeLeftContainers(engine: ContainerEngine, instance: string): Promise<number> {
  return removeContainers(engine, `${containerLabels.instance}=${instanceMark(instance)}`)
}

const home = join(workPlace, homeName)

/**
 * Whom the commands are in the container, so that the files they write are the build's user's on the host. Root in a container
 * of a Docker without root is the server's user, and has no capabilities.
 */
function containerUser({ engine, user }: DockerOptions): BuildUser {
  if (engine.kind === 'docker' && engine.rootless) return { uid: 0, gid: 0 }
  return user ?? { uid: process.getuid!(), gid: process.getgid!() }
}

/** A file of users that knows the build's, for Git, npm and ssh; and the filter of system calls. */
function writeContainerFiles(instance: string, user: BuildUser): ContainerFiles {
  const folder = join(instance, 'containers')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const passwdFile = join(folder, 'passwd')
  writeFileSync(passwdFile, passwdText(user, buildUserName, home), { mode: 0o644 })
  const seccompFile = join(folder, 'seccomp.json')
  writeFileSync(seccompFile, JSON.stringify(seccompProfile()))
  return { passwdFile, seccompFile }
}

async function imageOf(options: DockerOptions, { image, signal }: SessionOptions): Promise<LocalImage> {
  const { engine, privateAllowed } = options
  if (image) return pullImage(engine, image, { privateAllowed, signal })
  const found = await findImage(engine, options.image)
  if (!found)
    throw new Error(`The image ${options.image} (PREAMP_BUILD_IMAGE) is not on this machine any more`)
  return found
}
