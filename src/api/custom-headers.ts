import { load, YAMLException } from 'js-yaml'

import { checkCustomHeadersOf } from '../deploy/custom-headers.ts'
import { RefusedContent } from '../deploy/refused-content.ts'
import { BadRequestException } from './errors.ts'

const prefix = 'Invalid spec, yaml parsing error:'

/**
 * Checks the YAML of `customHeaders`, which takes effect at once. It is stored and answered as it was sent: Terraform compares
 * the text (contract/api-behaviour.md §2).
 * @throws {BadRequestException} with AWS's words where it has some
 */
export function checkCustomHeaders(text: string): void {
  if (text.trim() === '') return
  const document = parse(text)
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new BadRequestException(`${prefix} Invalid spec, top level must be key value pairs`)
  }
  try {
    checkCustomHeadersOf(text, 'customHeaders')
  } catch (error) {
    if (!(error instanceof RefusedContent)) throw error
    throw new BadRequestException(error.message)
  }
}

function parse(text: string): unknown {
  try {
    return load(text)
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw new BadRequestException(`${prefix} ${error.reason}`)
  }
}
