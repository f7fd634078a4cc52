import { styleText } from 'node:util'

import { valuesOfLine } from '../model/access-log.ts'
import { formatBytes } from './quantities.ts'

/** A line of an access log as a person reads it. All of its values are printable ASCII: the edge has encoded the rest. */
export function accessLine(line: string): string {
  const value = valuesOfLine(line)
  const status = value('sc-status')
  const path = value('cs-uri-stem')
  const query = value('cs-uri-query')
  const bytes = Number(value('sc-bytes'))
  const milliseconds = Math.round(Number(value('time-taken')) * 1000)
  return [
    value('time'),
    styleText(colourOf(status), status),
    value('cs-method').padEnd(4),
    `${value('cs(Host)')}${path === '-' ? '' : path}${query === '-' ? '' : `?${query}`}`,
    formatBytes(bytes),
    `${milliseconds} ms`,
    value('c-ip'),
    styleText('dim', value('x-edge-request-id')),
  ].join('  ')
}

function colourOf(status: string): 'red' | 'yellow' | 'cyan' | 'green' {
  if (status.startsWith('5')) return 'red'
  if (status.startsWith('4')) return 'yellow'
  return status.startsWith('3') ? 'cyan' : 'green'
}
