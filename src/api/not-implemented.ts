import { NotImplementedException } from './errors.ts'
import type { OperationName } from './operation.ts'

/** The handler of an operation that a later version brings: its input is checked all the same. */
export function notImplemented(name: OperationName): () => Promise<never> {
  return async () => {
    throw new NotImplementedException(`${name} is not implemented yet. See docs/compatibility.md.`)
  }
}
