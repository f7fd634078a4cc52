/** A rule as a client sends it. */
export interface WrittenRule {
  source?: string | undefined
  target?: string | undefined
  status?: string | undefined
  condition?: string | null | undefined
}
