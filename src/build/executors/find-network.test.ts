import { describe, expect, test } from 'bun:test'

import { findOwnNetwork, type NetworkChoice } from './find-network.ts'
import { findLoopback, openPlaces, placesIn } from './network-places.ts'

const choice: NetworkChoice = {
  buildNetwork: undefined,
  privateSources: true,
  openNetworks: [],
  passedOnVariables: {},
}
const findAll = (name: string) => `/usr/bin/${name}`

describe('a network of their own for builds', () => {
  test('is there where its programs are', async () => {
    expect(await findOwnNetwork(choice, '/usr/bin/bwrap', findAll)).toBeObject()
  })

  test('is not there where it is not wanted', async () => {
    expect(await findOwnNetwork({ ...choice, buildNetwork: 'host' }, '/usr/bin/bwrap', findAll)).toBe(
      'PREAMP_BUILD_NETWORK is host.',
    )
  })

  test.each([
    [['nft'], 'Install nftables ('],
    [['slirp4netns'], 'Install slirp4netns ('],
    [['slirp4netns', 'nft'], 'apt-get install slirp4netns nftables;'],
    [['unshare'], 'util-linux'],
  ])('needs %p', async (missing, advice) => {
    const find = (name: string) => (missing.includes(name) ? undefined : findAll(name))
    expect(await findOwnNetwork(choice, '/usr/bin/bwrap', find)).toContain(advice)
  })

  test('is not chosen where a proxy of the server would be out of reach, but may be asked for', async () => {
    const passedOnVariables = { HTTPS_PROXY: 'localhost:3128' }
    expect(await findOwnNetwork({ ...choice, passedOnVariables }, '/usr/bin/bwrap', findAll)).toContain(
      'leads to localhost:3128',
    )
    const asked = { ...choice, passedOnVariables, buildNetwork: 'isolated' } as const
    expect(await findOwnNetwork(asked, '/usr/bin/bwrap', findAll)).toBeObject()
  })
})

test('places are what variables name as URLs, and proxies as host and port', async () => {
  const places = placesIn({
    https_proxy: '10.1.2.3:3128',
    ALL_PROXY: 'socks5h://10.1.2.4',
    npm_config_registry: 'https://10.1.2.5/npm/',
    no_proxy: 'localhost,.example.com',
    NODE_EXTRA_CA_CERTS: '/etc/ssl/ca.pem',
    NAME: 'word',
    EMPTY: '',
  })
  expect(await openPlaces(places)).toEqual([
    { network: '10.1.2.3', port: 3128 },
    { network: '10.1.2.4', port: 1080 },
    { network: '10.1.2.5', port: 443 },
  ])
})

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['localhost', true],
  ['[::1]', true],
  ['10.1.2.3', false],
  ['nosuchhost.invalid', false],
])('whether %s is loopback: %p', async (host, expected) => {
  const place = { host, port: 80 }
  expect(await findLoopback([place])).toEqual(expected ? place : undefined)
})
