import { findLoopback, openPlaces, placesIn } from './network-places.ts'
import { openOwnNetwork, type OwnNetwork } from './own-network.ts'

export interface NetworkChoice {
  /** What the configuration asks for, if anything. */
  buildNetwork: 'isolated' | 'host' | undefined
  /** Whether builds reach private addresses. */
  privateSources: boolean
  /** Networks that builds reach all the same, in CIDR form. */
  openNetworks: string[]
  /** Variables of the server that builds see: the proxies and registries in them are to be reached. */
  passedOnVariables: Record<string, string>
}

/** The package of Debian and Fedora that has each program beyond those that the sandbox needs as well. */
const packages = { slirp4netns: 'slirp4netns', nft: 'nftables' }

/**
 * The network that builds are to have of their own, which has not been tried yet, or the reason why they share that of the
 * host, with what to do about it.
 * @param find the absolute path of a program
 */
export async function findOwnNetwork(
  choice: NetworkChoice,
  bwrap: string,
  find: (program: string) => string | undefined,
): Promise<OwnNetwork | string> {
  if (choice.buildNetwork === 'host') return 'PREAMP_BUILD_NETWORK is host.'
  const [nft, slirp4netns] = [find('nft'), find('slirp4netns')]
  if (nft === undefined || slirp4netns === undefined) {
    const missing = [slirp4netns ?? packages.slirp4netns, nft ?? packages.nft].filter(
      (name) => !name.startsWith('/'),
    )
    return `Install ${missing.join(' and ')} (apt-get install ${missing.join(' ')}; dnf install ${missing.join(' ')}).`
  }
  const [nsenter, prlimit, unshare] = [find('nsenter'), find('prlimit'), find('unshare')]
  if (nsenter === undefined || prlimit === undefined || unshare === undefined)
    return 'nsenter, prlimit and unshare (of util-linux) are not all installed.'

  const places = placesIn(choice.passedOnVariables)
  const loopback = await findLoopback(places)
  if (loopback && choice.buildNetwork === undefined) {
    return `A variable that is passed on to builds leads to ${loopback.host}:${loopback.port}, which they would not reach: let that service listen on an address of this machine other than loopback, and name that.`
  }
  const networks = choice.openNetworks.map((network) => ({ network }))
  return openOwnNetwork({
    programs: { bwrap, nft, nsenter, prlimit, slirp4netns, unshare },
    privateAllowed: choice.privateSources,
    open: async () => [...networks, ...(await openPlaces(places))],
  })
}
