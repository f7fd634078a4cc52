import { limits } from '../model/limits.ts'
import { BadRequestException } from './errors.ts'

/**
 * Checks the number and the length of patterns for branch names, which AWS's model leaves open.
 * @param member the member that they are, for the message
 * @throws {BadRequestException}
 */
export function checkBranchPatterns(member: string, patterns: readonly string[]): void {
  const { branchPatternsMax, branchPatternsCharactersMax } = limits
  const characters = patterns.reduce((sum, pattern) => sum + pattern.length, 0)
  if (patterns.length <= branchPatternsMax && characters <= branchPatternsCharactersMax) return
  throw new BadRequestException(
    `${member} has ${patterns.length} patterns of ${characters} characters together. Use ${branchPatternsMax} patterns and ${branchPatternsCharactersMax} characters at the most.`,
  )
}
