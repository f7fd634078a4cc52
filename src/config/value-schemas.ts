import { isIP } from 'node:net'

import { z } from 'zod'

import { parseNetwork } from '../model/addresses.ts'
import { parseComputeSize } from '../model/compute-types.ts'

export const port = z.coerce.number('must be a number').int().min(0).max(65_535)
export const url = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with http:// or https://' })
  .transform((text) => text.replace(/\/+$/, ''))
export const flag = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1')
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

export const addressList = list.refine(
  (addresses) => addresses.every((address) => isIP(address) !== 0),
  'must be IP addresses, separated by commas',
)
export const networkList = list.refine(
  (networks) => networks.every((network) => parseNetwork(network)?.bits === 32),
  'must be IPv4 addresses or networks, separated by commas, as in 192.0.2.1,10.1.0.0/16',
)
export const anyNetworkList = list.refine(
  (networks) => networks.every((network) => parseNetwork(network)),
  'must be IP addresses or networks, separated by commas, as in 192.0.2.1,2001:db8::/32',
)
export const serverList = list.refine(
  (servers) => servers.every(isAddressWithPort),
  'must be IP addresses, separated by commas; with a port: 192.0.2.1:5353 or [2001:db8::1]:5353',
)

function isAddressWithPort(server: string): boolean {
  if (isIP(server) !== 0) return true
  const [, ipv6, ipv4, digits = ''] = /^(?:\[([^\]]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(server) ?? []
  return isIP(ipv6 ?? ipv4 ?? '') !== 0 && Number(digits) >= 1 && Number(digits) <= 65_535
}

export const computeSize = z.string().transform((text, context) => {
  const size = parseComputeSize(text)
  if (size) return size
  context.addIssue({
    code: 'custom',
    message: 'must be processors/GiB of memory/GiB of disk, whole numbers from 1 on, as in 4/8/128',
  })
  return z.NEVER
})
