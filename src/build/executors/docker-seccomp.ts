import {
  absentCalls,
  EAFNOSUPPORT,
  ENOSYS,
  EPERM,
  forbiddenCalls,
  namespaceFlags,
  socketFamilies,
  terminalRequests,
} from './system-calls.ts'

interface Rule {
  names: string[]
  action: 'SCMP_ACT_ERRNO'
  errnoRet: number
  args?: Comparison[]
}

interface Comparison {
  index: number
  value: number
  valueTwo?: number
  op: 'SCMP_CMP_EQ' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ'
}

/**
 * The filter of system calls for `--security-opt seccomp=`, in the form that Docker and Podman read. It takes the place of the
 * engine's own, so that a build is refused the same in a container as in the sandbox: the engines leave user namespaces and
 * the sockets of virtual machines open.
 */
export function seccompProfile(): object {
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    archMap: [
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: [] },
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: [] },
    ],
    syscalls: [
      refuse(Object.keys(forbiddenCalls), EPERM),
      refuse(Object.keys(absentCalls), ENOSYS),
      ...namespaceFlags.map((flag) => refuse(['clone', 'unshare'], EPERM, bits(0, flag, flag))),
      ...terminalRequests.map((request) => refuse(['ioctl'], EPERM, bits(1, 0xffff_ffff, request))),
      ...closedFamilies().map((comparison) => refuse(['socket'], EAFNOSUPPORT, comparison)),
    ],
  }
}

function refuse(calls: string[], errno: number, comparison?: Comparison): Rule {
  return {
    names: calls,
    action: 'SCMP_ACT_ERRNO',
    errnoRet: errno,
    ...(comparison && { args: [comparison] }),
  }
}

/** Of an argument the lower half counts for the kernel: what stands above it must not hide it. */
function bits(index: number, mask: number, wanted: number): Comparison {
  return { index, value: mask, valueTwo: wanted, op: 'SCMP_CMP_MASKED_EQ' }
}

/** All but the open ones, each by itself: a rule cannot say of one argument that it is none of several. */
function closedFamilies(): Comparison[] {
  const last = Math.max(...socketFamilies)
  const between = Array.from({ length: last }, (_, family) => family)
  return [
    { index: 0, value: last, op: 'SCMP_CMP_GT' },
    ...between
      .filter((family) => !socketFamilies.includes(family))
      .map((family): Comparison => ({ index: 0, value: family, op: 'SCMP_CMP_EQ' })),
  ]
}
