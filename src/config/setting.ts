import type { z } from 'zod'

export interface Setting<Schema extends z.ZodType> {
  /** The environment variable; `flags.ts` says which flag goes with it. */
  variable: string
  schema: Schema
  /** As `docs/configuration.md` shows the default. */
  default: string
  description: string
}

export function setting<Schema extends z.ZodType>(
  variable: string,
  schema: Schema,
  defaultText: string,
  description: string,
): Setting<Schema> {
  return { variable, schema, default: defaultText, description }
}
