import { parseNetwork } from '../../src/model/addresses.ts'

/** A child of a node of the tree: another node, the position of a country in the data, or nothing known. */
type Branch = TreeNode | number | undefined
type TreeNode = [Branch, Branch]

const recordBytes = 3
const separator = Buffer.alloc(16)
const metadataMarker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')

/** What a file says of a network: texts by their names. */
export interface CountryRecord {
  [name: string]: string | CountryRecord
}

const asMaxMind = (country: string): CountryRecord => ({ country: { iso_code: country } })

/**
 * The bytes of a small file of countries (MaxMind DB File Format Specification 2.0), as GeoLite2 Country has them.
 * @param countries networks in CIDR form, none of which holds another; of IPv4 alone in a file of version 4
 * @param form in which a country is written down
 */
export function countryFile(
  countries: [network: string, country: string][],
  ipVersion: 4 | 6 = 6,
  form = asMaxMind,
): Buffer {
  const root: TreeNode = [undefined, undefined]
  const data: Buffer[] = []
  let position = 0
  for (const [network, country] of countries) {
    plant(root, prefixOf(network, ipVersion), position)
    const record = encoded(form(country))
    data.push(record)
    position += record.length
  }
  const nodes = nodesOf(root)
  const metadata = map({
    binary_format_major_version: unsigned(5, 2),
    binary_format_minor_version: unsigned(5, 0),
    build_epoch: unsigned(9, 1_750_000_000),
    database_type: text('Test-Country'),
    ip_version: unsigned(5, ipVersion),
    node_count: unsigned(6, nodes.length),
    record_size: unsigned(5, recordBytes * 8),
  })
  return Buffer.concat([treeOf(nodes), separator, ...data, metadataMarker, metadata])
}

/** The bits that all addresses of a network begin with. In a file of version 6, IPv4 stands at ::/96. */
function prefixOf(network: string, ipVersion: 4 | 6): string {
  const { number, bits, prefixBits } = parseNetwork(network)!
  const prefix = number.toString(2).padStart(bits, '0').slice(0, prefixBits)
  return ipVersion === 6 && bits === 32 ? '0'.repeat(96) + prefix : prefix
}

function plant(root: TreeNode, prefix: string, position: number): void {
  let node = root
  for (const bit of prefix.slice(0, -1)) {
    const next = (node[Number(bit)] ??= [undefined, undefined])
    if (typeof next === 'number') throw new Error('a network lies in another')
    node = next
  }
  node[Number(prefix.at(-1))] = position
}

/** Breadth first: the root is node 0. */
function nodesOf(root: TreeNode): TreeNode[] {
  const nodes = [root]
  for (const node of nodes) nodes.push(...node.filter((branch) => Array.isArray(branch)))
  return nodes
}

function treeOf(nodes: TreeNode[]): Buffer {
  const numbers = new Map(nodes.map((node, number) => [node, number]))
  const tree = Buffer.alloc(nodes.length * 2 * recordBytes)
  nodes.flat().forEach((branch, index) => {
    tree.writeUIntBE(recordOf(branch, numbers), index * recordBytes, recordBytes)
  })
  return tree
}

function recordOf(branch: Branch, numbers: Map<TreeNode, number>): number {
  if (branch === undefined) return numbers.size
  return typeof branch === 'number' ? numbers.size + separator.length + branch : numbers.get(branch)!
}

/** Fields begin with their type and their size, which is below 29 for all that we write. */
function field(type: number, size: number, ...content: Buffer[]): Buffer {
  const head = type > 7 ? [size, type - 7] : [(type << 5) | size]
  return Buffer.concat([Buffer.from(head), ...content])
}

const text = (value: string): Buffer => field(2, value.length, Buffer.from(value))

function unsigned(type: 5 | 6 | 9, value: number): Buffer {
  const size = { 5: 2, 6: 4, 9: 6 }[type]
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value, 0, size)
  return field(type, size, bytes)
}

const encoded = (record: CountryRecord): Buffer =>
  map(
    Object.fromEntries(
      Object.entries(record).map(([name, value]) => [
        name,
        typeof value === 'string' ? text(value) : encoded(value),
      ]),
    ),
  )

function map(entries: Record<string, Buffer>): Buffer {
  const content = Object.entries(entries).flatMap(([key, value]) => [text(key), value])
  return field(7, Object.keys(entries).length, ...content)
}
