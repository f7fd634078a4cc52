import { describe, expect, test } from 'bun:test'

import { scanForMarkers } from './marker-scanner.ts'

function scan(chunks: string[]): { text: string; events: string[] } {
  const events: string[] = []
  let text = ''
  const scanner = scanForMarkers(
    'n0',
    (bytes) => {
      text += new TextDecoder().decode(bytes)
    },
    (exitCode) => events.push(`${text.length}:${exitCode}`),
  )
  for (const chunk of chunks) scanner.write(new TextEncoder().encode(chunk))
  scanner.end()
  return { text, events }
}

describe('scanForMarkers', () => {
  const stream = 'one\n\x01n0 0\x02two\x01n0 137\x02\x01n0 3\x02'

  test('takes the markers out and tells where they were', () => {
    expect(scan([stream])).toEqual({ text: 'one\ntwo', events: ['4:0', '7:137', '7:3'] })
  })

  test('does so wherever the stream is cut', () => {
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        const chunks = [stream.slice(0, first), stream.slice(first, second), stream.slice(second)]
        expect(scan(chunks)).toEqual({ text: 'one\ntwo', events: ['4:0', '7:137', '7:3'] })
      }
    }
  })

  test('leaves alone what only looks like a marker', () => {
    for (const text of [
      'n0 0',
      '\x01n1 0\x02',
      '\x01\x01\x01',
      '\x01n0',
      '\x01n0 ',
      '\x01n0 1234\x02',
      '\x01n0 \x01n0 \x01n0 ',
      'a\x02b',
      '\\1n0 0\\2',
    ]) {
      expect(scan([text])).toEqual({ text, events: [] })
      expect(scan(text.split(''))).toEqual({ text, events: [] })
    }
  })

  test('holds nothing back for a marker that a command begins and does not end', () => {
    let delivered = 0
    const scanner = scanForMarkers(
      'n0',
      (bytes) => (delivered += bytes.length),
      () => undefined,
    )
    scanner.write(Buffer.from('\x01n0 '))
    scanner.write(Buffer.alloc(1000))
    expect(delivered).toBe(1004)
  })
})
