import { timingSafeEqual } from 'node:crypto'

import { isInNetwork, type Network } from '../model/addresses.ts'
import { credentialsVerifier } from '../model/credentials-verifier.ts'

/** Who may see a site, before anything of it is told. */
export interface SiteAccess {
  /** Whose credentials are asked for; undefined where none are. */
  askedBy: 'branch' | 'app' | undefined
  /** Of the credentials that are asked for; undefined where none are, empty where nobody has any. */
  verifier: Uint8Array | undefined
  /** Empty where everybody may. */
  allowed: Network[]
  denied: Network[]
  maintenance: boolean
  /** Nobody is kept out: nothing of the visitor needs to be looked at. */
  isOpen: boolean
}

export type AccessRefusal = 'forbidden' | 'maintenance' | 'unauthorized'

/**
 * Decides by the visitor's address and the Authorization header (contract/hosting-behaviour.md §5.4, §6.5).
 * @param key by which verifiers are made
 */
export function refuseAccess(
  { verifier, allowed, denied, maintenance }: SiteAccess,
  visitor: { address: string | undefined; authorization: string | null },
  key: Uint8Array,
): AccessRefusal | undefined {
  if (denied.some((network) => isFrom(visitor.address, network))) return 'forbidden'
  if (allowed.length > 0 && !allowed.some((network) => isFrom(visitor.address, network))) return 'forbidden'
  if (verifier && !isAuthorized(visitor.authorization, verifier, key)) return 'unauthorized'
  return maintenance ? 'maintenance' : undefined
}

function isFrom(address: string | undefined, network: Network): boolean {
  return address !== undefined && isInNetwork(address, network)
}

/** Takes as long for every wrong pair. */
function isAuthorized(header: string | null, verifier: Uint8Array, key: Uint8Array): boolean {
  const sent = /^basic +([a-z0-9+/=_-]+) *$/i.exec(header ?? '')?.[1]
  if (sent === undefined || verifier.length === 0) return false
  return timingSafeEqual(credentialsVerifier(sent, key), verifier)
}
