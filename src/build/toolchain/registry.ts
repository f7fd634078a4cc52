import npmConf from '@pnpm/npm-conf'
import fetchFromRegistry, { type Options } from 'npm-registry-fetch'
import { extract, type ReadEntry } from 'tar'
import { z } from 'zod'

import { limits } from '../../model/limits.ts'

/** One version of a package, as far as it matters to tools. */
export interface RegistryPackage {
  name: string
  version: string
  /** Versions of Node that it runs on; any where it says nothing. */
  nodeRange: string
  /** Programs by name, with their path in the package. */
  programs: Record<string, string>
  optionalDependencies: Record<string, string>
  tarball: string
  integrity: string
}

/** The npm registry that this server is configured for. */
export interface Registry {
  /** Its address as commands may know it; undefined where it holds credentials. */
  readonly address: string | undefined
  /**
   * Versions of a package that were asked for before. What is older than an hour is asked for anew meanwhile, and counts
   * until then.
   */
  remembered(name: string): RegistryPackage[] | undefined
  /** @throws {RegistryFailed} */
  versionsOf(name: string): Promise<RegistryPackage[]>
  /**
   * Unpacks a package into a folder that exists. Its bytes are those that the registry's checksum names.
   * @throws {RegistryFailed}
   */
  unpack(found: RegistryPackage, folder: string): Promise<void>
}

/** The registry cannot be reached, or gave what cannot be used. The message is for the log of a build. */
export class RegistryFailed extends Error {}

const rememberedMilliseconds = 3600 * 1000

const packument = z.object({
  versions: z.record(
    z.string(),
    z.object({
      engines: z.object({ node: z.string().optional() }).catch({}),
      bin: z.record(z.string(), z.string()).catch({}),
      optionalDependencies: z.record(z.string(), z.string()).catch({}),
      dist: z.object({ tarball: z.url(), integrity: z.string().catch('') }),
    }),
  ),
})

/** Reads npm's own configuration: the registry is the operator's choice, so it may lie at a private address. */
export function openRegistry(): Registry {
  const settings = npmConf().config.snapshot
  const options = requestOptions(settings)
  const known = new Map<string, { askedAt: number; versions: RegistryPackage[] }>()
  const asking = new Map<string, Promise<RegistryPackage[]>>()

  function versionsOf(name: string): Promise<RegistryPackage[]> {
    const promise = asking.get(name) ?? ask(name).finally(() => asking.delete(name))
    asking.set(name, promise)
    return promise
  }

  async function ask(name: string): Promise<RegistryPackage[]> {
    const document = await speak(`asked for ${name}`, limits.toolAnswerSecondsMax, (signal) =>
      // The short form of the document, which leaves out what only readers need.
      fetchFromRegistry.json(`/${name.replace('/', '%2f')}`, {
        ...options,
        signal,
        headers: { accept: 'application/vnd.npm.install-v1+json' },
      }),
    )
    const parsed = packument.safeParse(document)
    if (!parsed.success) throw new RegistryFailed(`The npm registry's document of ${name} cannot be read`)
    const versions = Object.entries(parsed.data.versions).map(([version, found]) => ({
      name,
      version,
      nodeRange: found.engines.node ?? '*',
      programs: found.bin,
      optionalDependencies: found.optionalDependencies,
      ...found.dist,
    }))
    known.set(name, { askedAt: Date.now(), versions })
    return versions
  }

  return {
    address: publicAddress(settings['registry']),

    remembered(name) {
      const entry = known.get(name)
      if (entry && Date.now() - entry.askedAt > rememberedMilliseconds) {
        // What is known goes on to count where the registry does not answer.
        void versionsOf(name).catch(() => undefined)
      }
      return entry?.versions
    },

    versionsOf,

    async unpack({ name, version, tarball, integrity }, folder) {
      // Older packages have a SHA-1 at most, which proves nothing.
      if (!integrity.includes('sha512-'))
        throw new RegistryFailed(`The npm registry has no SHA-512 of ${name}@${version}`)
      await speak(`asked for ${name}@${version}`, limits.toolSecondsMax, async (signal) => {
        const response = await fetchFromRegistry(tarball, { ...options, integrity, signal })
        if (response.body) await unpackStream(response.body, folder)
      })
    },
  }
}

/** What makes the registry's client fail is told in a message that has no address in it: it may hold credentials. */
async function speak<T>(
  what: string,
  secondsMax: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await work(AbortSignal.timeout(secondsMax * 1000))
  } catch (error) {
    if (error instanceof RegistryFailed) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer'
    throw new RegistryFailed(`The npm registry failed when ${what}: ${code}`, { cause: error })
  }
}

/** Plain files and folders alone, within limits: a link could lead out of the folder. */
async function unpackStream(body: NodeJS.ReadableStream, folder: string): Promise<void> {
  let bytes = 0
  let files = 0
  const isWithinLimits = () => bytes <= limits.toolBytesMax && files <= limits.toolFilesMax
  const filter = (_path: string, entry: unknown): boolean => {
    const { type, size } = entry as ReadEntry
    bytes += size
    files += 1
    return isWithinLimits() && (type === 'File' || type === 'OldFile' || type === 'Directory')
  }
  await new Promise<void>((resolve, reject) => {
    const unpacking = extract({ cwd: folder, strip: 1, strict: true, preserveOwner: false, filter })
    unpacking.on('close', resolve)
    unpacking.on('error', reject)
    body.on('error', reject)
    body.pipe(unpacking)
  })
  if (!isWithinLimits()) throw new RegistryFailed('A package of the npm registry is too large')
}

/** npm's names of settings to those of its client. Credentials (`//host/:_authToken`) and scopes keep theirs. */
function requestOptions(settings: Record<string, unknown>): Options {
  const ownNames = Object.entries(settings).filter(([name]) => name.startsWith('//') || name.startsWith('@'))
  const renamed = {
    registry: settings['registry'],
    ca: settings['ca'],
    cert: settings['cert'],
    key: settings['key'],
    strictSSL: settings['strict-ssl'],
    httpsProxy: settings['https-proxy'],
    proxy: settings['proxy'],
    noProxy: settings['no-proxy'],
    fetchRetries: 2,
    fetchRetryFactor: 2,
    fetchRetryMintimeout: 500,
    fetchRetryMaxtimeout: 5000,
  }
  const given = Object.entries(renamed).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries([...given, ...ownNames])
}

function publicAddress(registry: unknown): string | undefined {
  if (typeof registry !== 'string' || !URL.canParse(registry)) return undefined
  const { username, password, href } = new URL(registry)
  return username === '' && password === '' ? href.replace(/\/$/, '') : undefined
}
