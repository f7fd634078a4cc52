import { createSocket } from 'node:dgram'

import { type Answer, decode, encode, type Packet, type Question } from 'dns-packet'

/** A DNS server on the loopback interface, whose records tests change while it runs. */
export interface DnsServer {
  /** As `PREAMP_DNS_SERVERS` takes it. */
  address: string
  /** Sets all records of a name, or none; `value` is a name or an address. */
  set(name: string, ...records: { type: 'CNAME' | 'A' | 'AAAA'; value: string }[]): void
  /** From now on the name gets this instead of an answer: none at all, an error code, or these bytes. */
  misbehave(name: string, how: 'silent' | 'SERVFAIL' | 'REFUSED' | Uint8Array): void
  /** Names that were asked for, in order. */
  asked: string[]
  stop(): Promise<void>
}

type Type = 'CNAME' | 'A' | 'AAAA'

/** Resource record codes of RFC 1035 §4.1.1. */
const errorCodes = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 }
/** A day, so that whoever kept an answer would be found out. */
const ttl = 86_400

export async function startDnsServer(): Promise<DnsServer> {
  const records = new Map<string, { type: Type; value: string }[]>()
  const bad = new Map<string, 'silent' | 'SERVFAIL' | 'REFUSED' | Uint8Array>()
  const asked: string[] = []
  const socket = createSocket('udp4')

  /** The records of a name, and of what it leads to, as a resolver answers. A wildcard stands for one label. */
  function find(name: string, type: string, depth = 0): Answer[] {
    const found = records.get(name) ?? records.get(name.replace(/^[^.]+/, '*')) ?? []
    return found.flatMap((record): Answer[] => {
      if (record.type === type) return [{ name, type: record.type, ttl, data: record.value }]
      if (record.type !== 'CNAME' || depth > 8) return []
      return [{ name, type: 'CNAME', ttl, data: record.value }, ...find(record.value, type, depth + 1)]
    })
  }

  function answer(query: Packet, { name, type }: Question): Uint8Array | undefined {
    const how = bad.get(name)
    if (how === 'silent') return undefined
    if (how instanceof Uint8Array) return how
    const answers = how === undefined ? find(name, type) : []
    const code = how === undefined ? (answers.length === 0 ? errorCodes.NXDOMAIN : 0) : errorCodes[how]
    return encode({
      ...(query.id !== undefined && { id: query.id }),
      type: 'response',
      flags: 0x0180 | code,
      questions: query.questions ?? [],
      answers,
    })
  }

  socket.on('message', (message, from) => {
    const query = decode(message)
    const question = query.questions?.[0]
    if (!question) return
    const lowered = { ...question, name: question.name.toLowerCase() }
    asked.push(lowered.name)
    const reply = answer(query, lowered)
    if (reply) socket.send(reply, from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))

  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (name, ...added) => {
      bad.delete(name)
      if (added.length === 0) records.delete(name)
      else records.set(name, added)
    },
    misbehave: (name, how) => void bad.set(name, how),
    asked,
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

/** Sets a record as the API shows it: `_x.example.com. CNAME _y.validations.localhost.` */
export function setShownRecord(dns: DnsServer, record: string, domainName?: string): void {
  const [, prefix = '', value = ''] = /^(\S*) CNAME (\S+)$/.exec(record) ?? []
  const name =
    domainName === undefined ? prefix : [prefix, domainName].filter((part) => part !== '').join('.')
  dns.set(name.replace(/\.$/, ''), { type: 'CNAME', value: value.replace(/\.$/, '') })
}
