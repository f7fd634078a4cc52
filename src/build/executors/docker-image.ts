import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { checkHost, OutboundError } from '../../deploy/outbound.ts'
import { hostOfImage, isImageReference } from '../../model/image-reference.ts'
import { limits } from '../../model/limits.ts'
import type { RegistryCredentials } from '../../model/settings.ts'
import { customerError } from '../build-failed.ts'
import type { CustomImage } from '../executor.ts'
import { callEngine, type ContainerEngine } from './docker-engine.ts'

/** An image as containers are made of it. */
export interface LocalImage {
  id: string
  /** Variables that the image sets. */
  environment: Record<string, string>
  /** Folders for which Docker makes a volume each, outside of what is read-only or measured. Podman is told not to. */
  volumes: string[]
}

/**
 * Looks for an image on this machine.
 * @returns undefined where it is not
 */
export async function findImage(engine: ContainerEngine, reference: string): Promise<LocalImage | undefined> {
  const answer = await callEngine(engine, ['image', 'inspect', reference])
  if (answer.exitCode !== 0) return undefined
  const [image] = JSON.parse(answer.stdout) as [
    { Id: string; Config?: { Env?: string[] | null; Volumes?: object | null } },
  ]
  const pairs = (image.Config?.Env ?? []).map((text) => {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(text) ?? []
    return [name, value] as const
  })
  const volumes = Object.keys(image.Config?.Volumes ?? {})
  return { id: image.Id, environment: Object.fromEntries(pairs), volumes }
}

/**
 * Brings the image that an app names. It is asked for anew by every build, with the app's own credentials and none of this
 * machine's: an image that another app was allowed to pull is no reason to hand it to this one.
 * @throws {import('../build-failed.ts').BuildFailed} when it cannot be had
 */
export async function pullImage(
  engine: ContainerEngine,
  { reference, credentials }: CustomImage,
  { privateAllowed, signal }: { privateAllowed: boolean; signal: AbortSignal | undefined },
): Promise<LocalImage> {
  if (!isImageReference(reference)) {
    throw customerError(`_CUSTOM_IMAGE is not the name of an image: ${reference.slice(0, 200)}`)
  }
  const host = hostOfImage(reference)
  if (host !== undefined) await requireAllowedHost(host, reference, privateAllowed)
  const folder = await mkdtemp(join(tmpdir(), 'preamp-registry-'))
  try {
    const file = join(folder, 'config.json')
    await writeFile(file, credentialsFile(credentials), { mode: 0o600 })
    const answer = await callEngine(engine, pullArguments(engine, reference, folder, file), {
      signal,
      secondsMax: limits.imagePullSecondsMax,
    })
    if (answer.exitCode !== 0) throw pullFailed(reference, credentials, answer.complaint)
    // Docker prints the name that was asked for, Podman the image's id.
    const image = await findImage(engine, engine.kind === 'podman' ? answer.stdout.trim() : reference)
    if (!image) throw new Error(`${engine.kind} pulled ${reference}, and does not know it`)
    if (engine.kind === 'docker' && image.volumes.length > 0) {
      throw customerError(
        `The image ${reference} declares volumes (${image.volumes.join(', ')}), in which a build could write without limit. Use one without VOLUME`,
      )
    }
    return image
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The engine resolves the name once more by itself, and follows where the registry sends it: docs/containers.md says so. */
async function requireAllowedHost(host: string, reference: string, privateAllowed: boolean): Promise<void> {
  try {
    await checkHost(host, { privateAllowed })
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    throw customerError(`The image ${reference} cannot be pulled: ${error.message}`)
  }
}

function pullArguments(engine: ContainerEngine, reference: string, folder: string, file: string): string[] {
  if (engine.kind === 'docker') return ['--config', folder, 'pull', '--quiet', reference]
  // Docker talks http to a registry on this machine by itself.
  const isLocal = /^(localhost|127\.[0-9.]+)$/.test(hostOfImage(reference) ?? '')
  // Without its transport a name like `oci:folder` would be a path on this machine to Podman.
  return [
    'pull',
    '--quiet',
    `--authfile=${file}`,
    ...(isLocal ? ['--tls-verify=false'] : []),
    `docker://${reference}`,
  ]
}

/** The format is Docker's, which Podman reads too. */
function credentialsFile(credentials: RegistryCredentials | undefined): string {
  if (!credentials) return JSON.stringify({ auths: {} })
  const { server, userName, password } = credentials
  const auth = Buffer.from(`${userName}:${password}`).toString('base64')
  return JSON.stringify({ auths: { [server]: { auth } } })
}

function pullFailed(reference: string, credentials: RegistryCredentials | undefined, complaint: string) {
  const signedIn = credentials
    ? `as ${credentials.userName} at ${credentials.server}`
    : 'without credentials: an app gets them by preamp registry'
  return customerError(`The image ${reference} could not be pulled ${signedIn}. ${complaint}`)
}
