import type { BuildComputeType } from '@aws-sdk/client-amplify'

/** What a build machine has. */
export interface ComputeSize {
  cpus: number
  memoryBytes: number
  diskBytes: number
}

const MiB = 1024 ** 2
const GiB = 1024 ** 3

export const computeTypeDefault: BuildComputeType = 'STANDARD_8GB'

const shownNames: Record<BuildComputeType, string> = {
  STANDARD_8GB: 'Standard',
  LARGE_16GB: 'Large',
  XLARGE_72GB: 'XLarge',
}

/**
 * A size from the form in which settings give it, `4/8/128`: processors, GiB of memory, GiB of disk.
 * @returns undefined for another text
 */
export function parseComputeSize(text: string): ComputeSize | undefined {
  const [, cpus, memory, disk] = /^([1-9][0-9]{0,3})\/([1-9][0-9]{0,4})\/([1-9][0-9]{0,5})$/.exec(text) ?? []
  if (cpus === undefined) return undefined
  return { cpus: Number(cpus), memoryBytes: Number(memory) * GiB, diskBytes: Number(disk) * GiB }
}

/** The part of a size that a machine has. */
export function withinMachine(size: ComputeSize, machine: ComputeSize): ComputeSize {
  return {
    cpus: Math.min(size.cpus, machine.cpus),
    memoryBytes: Math.min(size.memoryBytes, machine.memoryBytes),
    diskBytes: Math.min(size.diskBytes, machine.diskBytes),
  }
}

/** In the words of Amplify's build log: `Standard build compute type: 8GiB Memory, 4vCPUs, 128GB Disk Space`. */
export function describeCompute(
  type: BuildComputeType,
  { cpus, memoryBytes, diskBytes }: ComputeSize,
): string {
  const memory =
    memoryBytes >= GiB ? `${Math.floor(memoryBytes / GiB)}GiB` : `${Math.floor(memoryBytes / MiB)}MiB`
  return `${shownNames[type]} build compute type: ${memory} Memory, ${cpus}vCPUs, ${Math.floor(diskBytes / GiB)}GB Disk Space`
}
