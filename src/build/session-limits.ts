import type { BuildComputeType } from '@aws-sdk/client-amplify'

import { type ComputeSize, computeTypeDefault, withinMachine } from '../model/compute-types.ts'
import type { AppRow } from '../store/schema.ts'
import type { SessionLimits } from './executor.ts'

/**
 * Makes what says how much the builds of an app may use, by its compute type.
 * @param sizes as configured
 * @param machine what there is for builds
 */
export function sessionLimitsOf(
  sizes: Record<BuildComputeType, ComputeSize>,
  machine: ComputeSize,
  processesMax: number,
): (type: BuildComputeType) => SessionLimits {
  return (type) => ({ ...withinMachine(sizes[type], machine), processesMax })
}

/** The compute type of an app, as it was when the job started. */
export function computeTypeOf({ settings }: AppRow): BuildComputeType {
  return settings.jobConfig?.buildComputeType ?? computeTypeDefault
}
