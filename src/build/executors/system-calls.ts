/**
 * The system calls that builds never need and kernels were hurt by, and how they are refused: by a filter that bubblewrap sets
 * (`seccomp.ts`) and by the same one in the form that container engines take (`docker-seccomp.ts`). The error is one on which
 * programs fall back: ENOSYS says that the kernel is too old for it, EPERM that it is not allowed.
 */

export const EPERM = 1
export const ENOSYS = 38
export const EAFNOSUPPORT = 97

/** Numbers on x86-64 and on 64-bit ARM; null where the call is not there. */
export type CallNumbers = readonly [x64: number | null, arm64: number | null]

/** Refused with EPERM. */
export const forbiddenCalls: Record<string, CallNumbers> = {
  add_key: [248, 217], // the kernel's keys belong to no namespace
  request_key: [249, 218],
  keyctl: [250, 219],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282], // makes races in the kernel easy to win
  fanotify_init: [300, 262],
  open_by_handle_at: [304, 265],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  setns: [308, 268],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  syslog: [103, 116],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  settimeofday: [164, 170],
  vhangup: [153, 58],
  iopl: [172, null],
  ioperm: [173, null],
  modify_ldt: [154, null],
}

/** What programs use where the kernel has it, and do without where it has not. Refused with ENOSYS. */
export const absentCalls: Record<string, CallNumbers> = {
  clone3: [435, 435], // its flags lie in memory, where no filter sees them; libraries then call clone
  io_uring_setup: [425, 425], // most of the kernel's holes of late, and its work passes by this filter
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
}

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: in namespaces of its own a process reaches more of the kernel. */
export const namespaceFlags = [
  0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
]
/** TIOCSTI and TIOCLINUX put words into the mouth of whoever sits at the terminal. */
export const terminalRequests = [0x5412, 0x541c]
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Among the others are AF_VSOCK, which leads to the host of a virtual machine, and AF_ALG. */
export const socketFamilies = [1, 2, 10, 16]
