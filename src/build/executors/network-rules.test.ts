import { expect, test } from 'bun:test'

import { type NetworkRules, networkRules } from './network-rules.ts'

const rules: NetworkRules = { privateAllowed: true, open: [], closed: [], resolvers: [] }

/** The rules that are about an address or network, by their place. */
function linesWith(text: string, address: string): string[] {
  return text.split('\n').filter((line) => line.includes(` daddr ${address} `))
}

test('metadata addresses are closed before anything is opened', () => {
  const lines = networkRules({ ...rules, open: [{ network: '169.254.0.0/16' }] }).split('\n')
  const closed = lines.findIndex((line) => line.startsWith('ip daddr 169.254.0.0/16 reject'))
  expect(closed).toBeGreaterThan(0)
  expect(lines.findIndex((line) => line === 'ip daddr 169.254.0.0/16 accept')).toBeGreaterThan(closed)
  expect(linesWith(lines.join('\n'), 'fd00:ec2::254/128')).toHaveLength(1)
})

test('private networks are closed unless they are allowed', () => {
  expect(linesWith(networkRules(rules), '10.0.0.0/8')).toEqual([])
  expect(linesWith(networkRules({ ...rules, privateAllowed: false }), '10.0.0.0/8')).toEqual([
    'ip daddr 10.0.0.0/8 reject with icmpx admin-prohibited',
  ])
})

test('what is open goes before what is closed, resolvers before all', () => {
  const text = networkRules({
    privateAllowed: false,
    open: [{ network: '192.168.1.5', port: 3128 }, { network: '10.1.0.0/16' }],
    closed: ['192.168.1.5', '::/0'],
    resolvers: ['10.0.2.3', 'fd00::3'],
  })
  expect(linesWith(text, '192.168.1.5')).toEqual([
    'ip daddr 192.168.1.5 tcp dport 3128 accept',
    'ip daddr 192.168.1.5 reject with icmpx admin-prohibited',
  ])
  expect(text.indexOf('10.1.0.0/16 accept')).toBeLessThan(text.indexOf('10.0.0.0/8 reject'))
  expect(text.indexOf('fd00::3 meta l4proto { tcp, udp } th dport 53 accept')).toBeLessThan(
    text.indexOf(' reject'),
  )
})
