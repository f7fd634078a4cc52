/** What a path of a site leads to, by its files alone. */
export type StaticAnswer =
  /** `path` is a key of the manifest. */
  | { kind: 'file'; path: string }
  /** 301; `location` is relative to the host and percent-encoded. */
  | { kind: 'redirect'; location: string }
  | { kind: 'not-found' }
  /** The percent-encoding is broken: there is no path to look for. */
  | { kind: 'malformed-path' }

const notFound: StaticAnswer = { kind: 'not-found' }
const malformed: StaticAnswer = { kind: 'malformed-path' }

/**
 * What addresses of pages end in. `auto` is Amplify's way: a page may be `about.html` or `about/index.html`, each with its own
 * address. With the others both have the same one, to which every other form leads.
 */
export const trailingSlashes = ['auto', 'always', 'never'] as const
export type TrailingSlash = (typeof trailingSlashes)[number]

/**
 * Looks a request up in the files of a deployment (contract/hosting-behaviour.md §5.2).
 * @param files the manifest's paths, without a leading slash
 * @param path as it stands in the URL, percent-encoded, from its first slash to the query
 * @param query with its question mark, or empty
 */
export function lookUpStatic(
  files: { has(path: string): boolean },
  path: string,
  query: string,
  trailingSlash: TrailingSlash = 'auto',
): StaticAnswer {
  const decoded = decodePath(path)
  if (decoded === undefined) return malformed
  const name = decoded.slice(1)
  if (trailingSlash !== 'auto') {
    const page = lookUpPage(files, name, query, trailingSlash)
    if (page) return page
  }
  if (name === '' || name.endsWith('/')) return fileAt(files, `${name}index.html`)
  if (files.has(name)) return { kind: 'file', path: name }
  const segments = name.split('/')
  // No file has such a name, and a redirect to one would be resolved by the client, to some other page.
  if (segments.some((segment) => segment === '.' || segment === '..')) return notFound
  if (segments.at(-1)!.includes('.')) return notFound
  if (files.has(`${name}.html`)) return { kind: 'file', path: `${name}.html` }
  if (trailingSlash === 'never') return notFound
  return { kind: 'redirect', location: `${encodeLocation(segments)}/${query}` }
}

/** A page by one address, whichever of its two files there is; undefined for what is no page. */
function lookUpPage(
  files: { has(path: string): boolean },
  name: string,
  query: string,
  trailingSlash: 'always' | 'never',
): StaticAnswer | undefined {
  if (name === '') return undefined
  const path = files.has(name) ? name : pageOf(files, name.replace(/\/$/, ''))
  const address = path === undefined ? undefined : addressOf(files, path, trailingSlash)
  if (path === undefined || (address === undefined && path === name)) return undefined
  if (address === undefined || address === name) return { kind: 'file', path }
  return { kind: 'redirect', location: `${encodeLocation(address.split('/'))}${query}` }
}

function pageOf(files: { has(path: string): boolean }, bare: string): string | undefined {
  if (bare === '' || bare.endsWith('/')) return undefined
  return [`${bare}.html`, `${bare}/index.html`].find((candidate) => files.has(candidate))
}

/** The one address of a page, without its first slash; undefined for what is no page, or is hidden there by another file. */
function addressOf(
  files: { has(path: string): boolean },
  path: string,
  trailingSlash: 'always' | 'never',
): string | undefined {
  if (path === 'index.html') return ''
  const bare = path.replace(/\/index\.html$|\.html$/, '')
  if (bare === path || files.has(bare) || pageOf(files, bare) !== path) return undefined
  return trailingSlash === 'always' ? `${bare}/` : bare
}

/**
 * Looks up what a rewrite leads to (§5.4): a folder shows its index, with or without a slash, and nothing is redirected.
 * @param path percent-encoded, from its first slash on
 * @returns the path of the file; undefined where there is none
 */
export function lookUpRewrite(files: { has(path: string): boolean }, path: string): string | undefined {
  const name = decodePath(path)?.slice(1)
  if (name === undefined) return undefined
  const candidates =
    name === '' || name.endsWith('/') ? [`${name}index.html`] : [name, `${name}.html`, `${name}/index.html`]
  return candidates.find((candidate) => files.has(candidate))
}

function fileAt(files: { has(path: string): boolean }, path: string): StaticAnswer {
  return files.has(path) ? { kind: 'file', path } : notFound
}

/**
 * Looks up a file by its own name alone, as pages ask for what belongs to them.
 * @param path percent-encoded, from its first slash on
 */
export function lookUpExact(files: { has(path: string): boolean }, path: string): string | undefined {
  const name = decodePath(path)?.slice(1)
  return name !== undefined && files.has(name) ? name : undefined
}

/** Decodes once. Manifests hold names in Unicode's NFC; a link typed on a Mac may not. */
function decodePath(path: string): string | undefined {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path).normalize('NFC')
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** One leading slash, whatever the request had: `//evil.example` in a Location names another host. */
function encodeLocation(segments: string[]): string {
  const first = segments.findIndex((segment) => segment !== '')
  return `/${segments.slice(first).map(encodeSegment).join('/')}`
}

function encodeSegment(segment: string): string {
  return encodeURI(segment).replace(/[?#]/g, encodeURIComponent)
}
