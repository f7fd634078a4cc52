import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { openRegistry, type Registry } from '../../src/build/toolchain/registry.ts'

/** An npm registry on a port of its own, with the packages that a test puts into it. */
export interface TestRegistry {
  /** As a server has it that npm's configuration leads here. */
  open(): Registry
  /** Makes a version of a package with these files; those with a shebang can be run. */
  add(name: string, version: string, files: Record<string, string>, options?: PackageOptions): Promise<void>
  /** Names of the packages that were asked for, those of tarballs with `/-/` and their version. */
  readonly requests: string[]
  /** What it does with requests from now on. */
  behave(how: 'answer' | 'refuse' | 'be silent'): void
  stop(): Promise<void>
}

export interface PackageOptions {
  /** In the document of the package, instead of the true one. */
  integrity?: string
  /** Symbolic links in the tarball. */
  links?: Record<string, string>
}

export function startNpmRegistry(): TestRegistry {
  const packages = new Map<string, Map<string, { document: object; tarball: Uint8Array<ArrayBuffer> }>>()
  const requests: string[] = []
  let behaviour: Parameters<TestRegistry['behave']>[0] = 'answer'
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    development: false,
    fetch(request) {
      const path = decodeURIComponent(new URL(request.url).pathname).slice(1)
      requests.push(path)
      if (behaviour === 'be silent') return new Promise<never>(() => undefined)
      if (behaviour === 'refuse') return new Response('not now', { status: 418 })
      const [name, version] = path.split('/-/')
      const versions = packages.get(name!)
      if (!versions) return new Response('{}', { status: 404 })
      if (version !== undefined) return new Response(versions.get(version)?.tarball)
      const documents = [...versions].map(([number, { document }]) => [number, document])
      return Response.json({ name, versions: Object.fromEntries(documents) })
    },
  })
  const address = `http://127.0.0.1:${server.port}`

  return {
    open() {
      const before = process.env['npm_config_registry']
      process.env['npm_config_registry'] = `${address}/`
      try {
        return openRegistry()
      } finally {
        if (before === undefined) delete process.env['npm_config_registry']
        else process.env['npm_config_registry'] = before
      }
    },
    async add(name, version, files, { integrity, links = {} } = {}) {
      const tarball = await packed(files, links)
      const sha512 = createHash('sha512').update(tarball).digest('base64')
      const document = {
        name,
        version,
        dist: { tarball: `${address}/${name}/-/${version}`, integrity: integrity ?? `sha512-${sha512}` },
      }
      const versions = packages.get(name) ?? new Map()
      packages.set(name, versions.set(version, { document, tarball }))
    },
    requests,
    behave(how) {
      behaviour = how
    },
    stop: () => server.stop(true),
  }
}

async function packed(
  files: Record<string, string>,
  links: Record<string, string>,
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = mkdtempSync(join(tmpdir(), 'preamp-package-'))
  try {
    for (const [path, content] of Object.entries(files)) {
      const place = join(folder, 'package', path)
      mkdirSync(dirname(place), { recursive: true })
      writeFileSync(place, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 })
    }
    for (const [path, target] of Object.entries(links)) symlinkSync(target, join(folder, 'package', path))
    const tar = Bun.spawn(['tar', '-czf', '-', 'package'], { cwd: folder, stdout: 'pipe' })
    return new Uint8Array(await tar.stdout.bytes())
  } finally {
    rmSync(folder, { recursive: true })
  }
}
