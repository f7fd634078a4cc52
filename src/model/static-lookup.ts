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
 * Looks a request up in the files of a deployment (contract/hosting-behaviour.md §5.2).
 * @param files the manifest's paths, without a leading slash
 * @param path as it stands in the URL, percent-encoded, from its first slash to the query
 * @param query with its question mark, or empty
 */
export function lookUpStatic(
  files: { has(path: string): boolean },
  path: string,
  query: string,
): StaticAnswer {
  const decoded = decodePath(path)
  if (decoded === undefined) return malformed
  const name = decoded.slice(1)
  if (name === '' || name.endsWith('/')) return fileAt(files, `${name}index.html`)
  if (files.has(name)) return { kind: 'file', path: name }
  const segments = name.split('/')
  // No file has such a name, and a redirect to one would be resolved by the client, to some other page.
  if (segments.some((segment) => segment === '.' || segment === '..')) return notFound
  if (segments.at(-1)!.includes('.')) return notFound
  if (files.has(`${name}.html`)) return { kind: 'file', path: `${name}.html` }
  return { kind: 'redirect', location: `${encodeLocation(segments)}/${query}` }
}

function fileAt(files: { has(path: string): boolean }, path: string): StaticAnswer {
  return files.has(path) ? { kind: 'file', path } : notFound
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
