/** How much there may be of what an account makes. Work of any size is bounded by `limits.ts`; these count things. */
export interface Quotas {
  /** Of an account, in all regions together. */
  appsMax: number
  /** Of an account, in all regions together; apps that were deleted again count too. */
  appCreationsPerHourMax: number
  branchesPerAppMax: number
  domainsPerAppMax: number
  subDomainsPerDomainMax: number
  webhooksPerAppMax: number
  backendEnvironmentsPerAppMax: number
  /** At work at the same time, of an account, on all servers together. */
  concurrentJobsMax: number
}

export type QuotaPreset = keyof typeof quotaPresets

/** `aws` has the numbers of contract/hosting-behaviour.md §8.5, which names none for backend environments. */
export const quotaPresets = {
  generous: {
    appsMax: 10_000,
    appCreationsPerHourMax: 10_000,
    branchesPerAppMax: 1000,
    domainsPerAppMax: 500,
    subDomainsPerDomainMax: 500,
    webhooksPerAppMax: 500,
    backendEnvironmentsPerAppMax: 500,
    concurrentJobsMax: 5,
  },
  aws: {
    appsMax: 25,
    appCreationsPerHourMax: 25,
    branchesPerAppMax: 50,
    domainsPerAppMax: 5,
    subDomainsPerDomainMax: 50,
    webhooksPerAppMax: 50,
    backendEnvironmentsPerAppMax: 500,
    concurrentJobsMax: 5,
  },
} as const satisfies Record<string, Quotas>

/** @param changes what is to be otherwise than in the preset */
export function quotasOf(
  preset: QuotaPreset,
  changes: { [Name in keyof Quotas]?: number | undefined },
): Quotas {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  return { ...quotaPresets[preset], ...(Object.fromEntries(given) as Partial<Quotas>) }
}
