import { join } from 'node:path'

import type { BuildSession, SessionOptions } from '../executor.ts'
import { createArguments } from './docker-arguments.ts'
import { type ContainerEngine, requireEngine } from './docker-engine.ts'
import { type ContainerGroup, containerLabels, containerName, startedContainer } from './docker-group.ts'
import type { LocalImage } from './docker-image.ts'
import { closeNetwork, type ContainerNetwork, type NetworkTools } from './docker-network.ts'
import { type BuildUser, type JobFolder, pathInside } from './job-folder.ts'
import { instanceMark, markVariable } from './job-mark.ts'
import type { OpenPlace } from './network-rules.ts'
import { workPlace } from './sandbox.ts'
import { variablesBeyondShell } from './shell-script.ts'
import { openShellSession } from './shell-session.ts'

/** Files of the server that all containers get, on the host. */
export interface ContainerFiles {
  passwdFile: string
  seccompFile: string
}

/** What the container of a session is made from. */
export interface Container {
  engine: ContainerEngine
  instance: string
  files: readonly string[]
  privateAllowed: boolean
  network: ContainerNetwork
  open(): Promise<OpenPlace[]>
  networkTools: NetworkTools | string
  session: SessionOptions
  mark: string
  group: ContainerGroup
  /** Of the commands, complete. */
  environment: Record<string, string>
  /** In the container. */
  user: BuildUser
  containerFiles: ContainerFiles
  folder: JobFolder
  image: LocalImage
}

export async function createContainer(container: Container): Promise<void> {
  const { engine, instance, session, mark, environment, network } = container
  // Podman takes a name that ends in an asterisk for all that begin like it.
  const beyondShell = Object.entries(variablesBeyondShell(environment)).filter(
    ([name]) => !name.endsWith('*'),
  )
  const handedOver = { ...Object.fromEntries(beyondShell), [markVariable]: mark }
  const planned = createArguments({
    engine,
    name: containerName(mark),
    labels: { [containerLabels.instance]: instanceMark(instance), [containerLabels.job]: mark },
    image: container.image.id,
    user: container.user,
    folder: container.folder,
    workPlace,
    ...container.containerFiles,
    readable: [...new Set([...container.files, ...session.readableFolders])],
    network: session.network && !joinsLater(engine) ? network.name : 'none',
    limits: session.limits,
    variables: Object.keys(handedOver),
  })
  await requireEngine(engine, planned, { environment: handedOver })
}

/**
 * A program of the image runs only in a closed network: Podman can make a container's namespaces before it starts anything in
 * them; a container of Docker joins the network once its own is closed.
 */
export async function startContainer(container: Container): Promise<BuildSession> {
  const { engine, mark } = container
  if (!joinsLater(engine)) {
    await requireEngine(engine, ['init', containerName(mark)])
    await settle(container)
    return openShell(container)
  }
  const session = await openShell(container)
  try {
    await settle(container)
    return session
  } catch (error) {
    await session.stop()
    throw error
  }
}

function joinsLater({ kind }: ContainerEngine): boolean {
  return kind === 'docker'
}

/** What is to be done once a container has namespaces, and before its first command. */
async function settle({ engine, mark, group, session, ...options }: Container): Promise<void> {
  const { pid, resolvConf } = await startedContainer(engine, mark)
  await group.startedAs(pid, session.limits)
  if (!session.network) return
  const { network, networkTools: tools, privateAllowed } = options
  const closed =
    typeof tools === 'string' ? undefined : { ...network, tools, privateAllowed, open: await options.open() }
  if (joinsLater(engine)) {
    if (closed) await closeNetwork(closed, pid)
    await requireEngine(engine, ['network', 'disconnect', 'none', containerName(mark)])
    await requireEngine(engine, ['network', 'connect', network.name, containerName(mark)])
  }
  // The engine writes the file of resolvers when it connects the network.
  if (closed) await closeNetwork(closed, pid, resolvConf)
}

function openShell({ engine, mark, session, environment, group }: Container): Promise<BuildSession> {
  const start = ['start', '--attach', '--interactive', '--detach-keys=', containerName(mark)]
  return openShellSession({
    command: [engine.command, ...start],
    commandsOnStdin: true,
    hostEnvironment: engine.environment,
    cwd: '/',
    workFolder: session.workFolder,
    startFolder: join(workPlace, pathInside(session.workFolder, session.startFolder)),
    environment,
    mark,
    inputs: [],
    user: undefined,
    group,
    limits: session.limits,
    onOutput: session.onOutput,
  })
}
