import {
  absentCalls,
  type CallNumbers,
  EAFNOSUPPORT,
  ENOSYS,
  EPERM,
  forbiddenCalls,
  namespaceFlags,
  socketFamilies,
  terminalRequests,
} from './system-calls.ts'

/**
 * The filter of system calls that bubblewrap sets before the first command: a program of classic BPF over
 * `struct seccomp_data` (seccomp(2), linux/seccomp.h).
 */

export type FilterArchitecture = 'x64' | 'arm64'

const clone: CallNumbers = [56, 220]
const unshare: CallNumbers = [272, 97]
const ioctl: CallNumbers = [16, 29]
const socket: CallNumbers = [41, 198]

const auditArchitectures = { x64: 0xc000_003e, arm64: 0xc000_00b7 }
/** Numbers from here on are those of x32 on x86-64, and nobody's elsewhere. */
const foreignNumbersMin = 0x4000_0000

const load = 0x20 // BPF_LD | BPF_W | BPF_ABS
const jumpEqual = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
const jumpAtLeast = 0x35 // BPF_JMP | BPF_JGE | BPF_K
const jumpAnyBit = 0x45 // BPF_JMP | BPF_JSET | BPF_K
const answer = 0x06 // BPF_RET | BPF_K
const allowed = 0x7fff_0000
const refusedWith = (errno: number) => 0x0005_0000 + errno

/** Offsets in `struct seccomp_data`; of the arguments the lower halves, on machines whose lowest byte is first. */
const offsets = { number: 0, architecture: 4, argument: (index: number) => 16 + 8 * index }

type Instruction = [code: number, ifTrue: number, ifFalse: number, value: number]

/**
 * The filter's program, as `bwrap --seccomp` reads it.
 * @returns undefined on an architecture whose calls are not known here
 */
export function seccompProgram(architecture: string): Uint8Array | undefined {
  if (architecture !== 'x64' && architecture !== 'arm64') return undefined
  const program = filterInstructions(architecture)
  const bytes = Buffer.alloc(program.length * 8)
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(ifTrue, index * 8 + 2)
    bytes.writeUInt8(ifFalse, index * 8 + 3)
    bytes.writeUInt32LE(value, index * 8 + 4)
  }
  return bytes
}

function filterInstructions(architecture: FilterArchitecture): Instruction[] {
  const numberOf = ([x64, arm64]: CallNumbers): number | null => (architecture === 'x64' ? x64 : arm64)
  const refuse = (calls: Record<string, CallNumbers>, errno: number): Instruction[] =>
    Object.values(calls)
      .map(numberOf)
      .filter((number) => number !== null)
      .flatMap((number) => [
        [jumpEqual, 0, 1, number],
        [answer, 0, 0, refusedWith(errno)],
      ])
  /** Answers a call by its argument; the body sees the argument in the accumulator, and falls through to what allows. */
  const byArgument = (call: CallNumbers, index: number, body: Instruction[]): Instruction[] => [
    [jumpEqual, 0, body.length + 2, numberOf(call)!],
    [load, 0, 0, offsets.argument(index)],
    ...body,
    [answer, 0, 0, allowed],
  ]
  const noNamespaces: Instruction[] = [
    [jumpAnyBit, 0, 1, namespaceFlags.reduce((all, flag) => all | flag)],
    [answer, 0, 0, refusedWith(EPERM)],
  ]
  return [
    [load, 0, 0, offsets.architecture],
    [jumpEqual, 1, 0, auditArchitectures[architecture]],
    [answer, 0, 0, refusedWith(ENOSYS)],
    [load, 0, 0, offsets.number],
    [jumpAtLeast, 0, 1, foreignNumbersMin],
    [answer, 0, 0, refusedWith(ENOSYS)],
    ...byArgument(clone, 0, noNamespaces),
    ...byArgument(unshare, 0, noNamespaces),
    ...byArgument(
      ioctl,
      1,
      terminalRequests.flatMap((request): Instruction[] => [
        [jumpEqual, 0, 1, request],
        [answer, 0, 0, refusedWith(EPERM)],
      ]),
    ),
    ...byArgument(socket, 0, [
      ...socketFamilies.flatMap((family): Instruction[] => [
        [jumpEqual, 0, 1, family],
        [answer, 0, 0, allowed],
      ]),
      [answer, 0, 0, refusedWith(EAFNOSUPPORT)],
    ]),
    ...refuse(forbiddenCalls, EPERM),
    ...refuse(absentCalls, ENOSYS),
    [answer, 0, 0, allowed],
  ]
}
