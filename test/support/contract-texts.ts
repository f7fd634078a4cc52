import { javaPattern } from '../../src/api/java-pattern.ts'
import type { Shape } from './contract.ts'

/** Whether the model takes a text. Lengths are counted in Unicode code points. */
export function isLegalText(
  { minLength = 0, maxLength = Infinity, pattern, enum: values }: Shape,
  text: string,
): boolean {
  const length = Array.from(text).length
  if (length < minLength || length > maxLength) return false
  return (!pattern || javaPattern(pattern).test(text)) && (!values || values.includes(text))
}

/** A text of a length that fits the pattern, where one exists. */
export function textOf({ pattern = '' }: Shape, length: number): string {
  const beginnings: Record<string, string> = {
    'd[a-z0-9]+': 'd',
    '^(s3|https|http)://.*': 'https://',
    '^arn:aws:amplify:.*': 'arn:aws:amplify:',
    '^$|^arn:aws:iam::\\d{12}:role.+': 'arn:aws:iam::123456789012:role',
    '^arn:aws:acm:[a-z0-9-]+:\\d{12}:certificate\\/.+$': 'arn:aws:acm:us-east-1:123456789012:certificate/',
    '^arn:aws:cloudformation:[a-z0-9-]+:\\d{12}:stack/.+/.+$':
      'arn:aws:cloudformation:a:123456789012:stack/s/',
  }
  const filler = /\\d|0-9/.test(pattern) ? '1' : 'a'
  if (pattern.startsWith('^(((?!-)') && length > 3) {
    return `${'a'.repeat(Math.ceil((length - 1) / 2))}.${'b'.repeat(Math.floor((length - 1) / 2))}`
  }
  return (beginnings[pattern] ?? '').padEnd(length, filler).slice(0, length)
}
