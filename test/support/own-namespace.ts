/** A view of the machine that a program under test has for itself. */
export interface OwnView {
  /** Files that it sees in the place of others, by the path of those. */
  files?: Record<string, string>
  /** Addresses that the machine has on its only interface, in a network in which there is nobody else. */
  addresses?: string[]
}

const script = `
set -e
while [ "$1" != -- ]; do
  case "$1" in
    file) mount --bind "$2" "$3"; shift 3;;
    address) ip link set lo up; ip address add "$2" dev lo; shift 2;;
  esac
done
shift
exec "$@"`

/** Program and arguments that start another one in namespaces of its own; it keeps the pid. */
export function inOwnNamespace({ files = {}, addresses = [] }: OwnView): string[] {
  const namespaces = ['--mount', ...(addresses.length > 0 ? ['--net'] : [])]
  const asRoot = process.getuid!() === 0 ? [] : ['--map-root-user']
  const views = [
    ...Object.entries(files).flatMap(([path, file]) => ['file', file, path]),
    ...addresses.flatMap((address) => ['address', address]),
  ]
  return ['unshare', ...namespaces, ...asRoot, 'bash', '-c', script, 'bash', ...views, '--']
}
