/**
 * A repository as a user names it. Only these forms are accepted; whatever else Git would take (`ext::`, `git://`,
 * `ftp://`, bundles, relative paths) is refused before Git sees it.
 */
export type Repository =
  | {
      kind: 'http'
      /** Without user, password and fragment. */
      url: URL
      credentials: { user: string; password: string } | undefined
    }
  | { kind: 'ssh'; host: string; port: string; url: string }
  | { kind: 'file'; path: string; url: string }

/** A repository address that cannot be used. The message is for the user. */
export class RepositoryRefused extends Error {}

const acceptedForms = 'Use https://…, ssh://…, git@host:path, or file:///… where the server allows it.'

/** @throws {RepositoryRefused} */
export function parseRepository(text: string): Repository {
  if (text === '') throw new RepositoryRefused('The app has no repository. Set one with UpdateApp.')
  if (text.startsWith('-') || /[\p{Cc}\s]/u.test(text) || text.includes('::')) throw refused(text)
  if (text.startsWith('/')) return fileRepository(text)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return parseUrl(text)
  // Git's short form of ssh. The host comes from outside and reaches ssh, so nothing that looks like an option.
  const scp = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!-)([^:]+)$/.exec(text)
  if (scp?.[1]) return { kind: 'ssh', host: scp[1], port: '22', url: text }
  throw refused(text)
}

/** The name under which people know the repository, fit to be a folder's: the last part of its path without `.git`. */
export function repositoryName(repository: Repository): string {
  const path = repository.kind === 'http' ? repository.url.pathname : repository.url
  const last = path
    .replace(/\/+$/, '')
    .split(/[/:]/)
    .at(-1)!
    .replace(/\.git$/, '')
  // Names with a dot are ours in the folder of a build.
  const name = last
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 100)
  return name === '' ? 'repository' : name
}

/** The address as logs, messages and AWS_CLONE_URL show it: never with user and password. */
export function shownRepository(repository: Repository): string {
  return repository.kind === 'http' ? repository.url.href : repository.url
}

/**
 * The repository of a submodule whose address may be relative to that of its parent, as Git reads it.
 * @throws {RepositoryRefused}
 */
export function submoduleRepository(parent: Repository, text: string): Repository {
  if (!/^\.\.?\//.test(text)) return parseRepository(text)
  let base = shownRepository(parent).replace(/\/+$/, '')
  let rest = text
  for (let part = /^(\.\.?)\/+/.exec(rest); part; part = /^(\.\.?)\/+/.exec(rest)) {
    rest = rest.slice(part[0].length)
    if (part[1] === '.') continue
    const cut = Math.max(base.lastIndexOf('/'), base.lastIndexOf(':'))
    base = base[cut] === ':' ? base.slice(0, cut + 1) : base.slice(0, cut)
  }
  return parseRepository(base.endsWith(':') ? base + rest : `${base}/${rest}`)
}

function parseUrl(text: string): Repository {
  if (!URL.canParse(text)) throw refused(text)
  const url = new URL(text)
  if (url.protocol === 'file:') {
    if (url.host !== '') throw refused(text)
    return fileRepository(decodePath(url.pathname, text))
  }
  if (url.protocol === 'ssh:') {
    const port = url.port || '22'
    if (!/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(url.hostname) || /^\/*-/.test(url.pathname)) throw refused(text)
    if (!/^(?:[A-Za-z0-9_][A-Za-z0-9._-]*)?$/.test(url.username)) throw refused(text)
    const user = url.username === '' ? '' : `${url.username}@`
    return {
      kind: 'ssh',
      host: url.hostname,
      port,
      url: `ssh://${user}${url.hostname}:${port}${url.pathname}`,
    }
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused(text)
  const { username, password } = url
  const credentials =
    username === '' && password === ''
      ? undefined
      : { user: decodePath(username, text), password: decodePath(password, text) }
  url.username = ''
  url.password = ''
  url.hash = ''
  return { kind: 'http', url, credentials }
}

function fileRepository(path: string): Repository {
  return { kind: 'file', path, url: `file://${path}` }
}

function decodePath(path: string, whole: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw refused(whole)
  }
}

function refused(text: string): RepositoryRefused {
  const shown = text.replace(/\/\/[^/@]*@/, '//').slice(0, 200)
  return new RepositoryRefused(`The repository ${JSON.stringify(shown)} cannot be cloned. ${acceptedForms}`)
}

/** Credentials belong to the host they were given for: a move to another path or to https keeps them. */
export function keepsCredentials(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true
  return from.hostname === to.hostname && from.protocol === 'http:' && to.protocol === 'https:'
}
