/**
 * The filter of system calls that bubblewrap sets before the first command: a program of classic BPF over
 * `struct seccomp_data` (seccomp(2), linux/seccomp.h). Refused is what builds never need and kernels were hurt by. The
 * error is one on which programs fall back: ENOSYS says that the kernel is too old for it, EPERM that it is not allowed.
 */

export type FilterArchitecture = 'x64' | 'arm64'

const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97

/** Numbers on x86-64 and on 64-bit ARM; null where the call is not there. */
type CallNumbers = readonly [x64: number | null, arm64: number | null]

const forbiddenCalls: CallNumbers[] = [
  [248, 217], // add_key: the kernel's keys belong to no namespace
  [249, 218], // request_key
  [250, 219], // keyctl
  [321, 280], // bpf
  [298, 241], // perf_event_open
  [323, 282], // userfaultfd: makes races in the kernel easy to win
  [300, 262], // fanotify_init
  [304, 265], // open_by_handle_at
  [246, 104], // kexec_load
  [320, 294], // kexec_file_load
  [175, 105], // init_module
  [313, 273], // finit_module
  [176, 106], // delete_module
  [165, 40], // mount
  [166, 39], // umount2
  [155, 41], // pivot_root
  [428, 428], // open_tree
  [429, 429], // move_mount
  [430, 430], // fsopen
  [431, 431], // fsconfig
  [432, 432], // fsmount
  [433, 433], // fspick
  [442, 442], // mount_setattr
  [308, 268], // setns
  [167, 224], // swapon
  [168, 225], // swapoff
  [169, 142], // reboot
  [103, 116], // syslog
  [163, 89], // acct
  [179, 60], // quotactl
  [443, 443], // quotactl_fd
  [164, 170], // settimeofday
  [153, 58], // vhangup
  [172, null], // iopl
  [173, null], // ioperm
  [154, null], // modify_ldt
]

/** What programs use where the kernel has it, and do without where it has not. */
const absentCalls: CallNumbers[] = [
  [435, 435], // clone3: its flags lie in memory, where no filter sees them; libraries then call clone
  [425, 425], // io_uring_setup: most of the kernel's holes of late, and its work passes by this filter
  [426, 426], // io_uring_enter
  [427, 427], // io_uring_register
]

const clone: CallNumbers = [56, 220]
const unshare: CallNumbers = [272, 97]
const ioctl: CallNumbers = [16, 29]
const socket: CallNumbers = [41, 198]

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: in namespaces of its own a process reaches more of the kernel. */
const namespaceFlags =
  0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000
/** TIOCSTI and TIOCLINUX put words into the mouth of whoever sits at the terminal. */
const terminalRequests = [0x5412, 0x541c]
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Among the others are AF_VSOCK, which leads to the host of a virtual machine, and AF_ALG. */
const socketFamilies = [1, 2, 10, 16]

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
  const refuse = (calls: CallNumbers[], errno: number): Instruction[] =>
    calls
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
    [jumpAnyBit, 0, 1, namespaceFlags],
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
