import { z } from 'zod'

import { isImageReference } from '../model/image-reference.ts'
import { setting } from './setting.ts'
import { computeSize, list, networkList } from './value-schemas.ts'

/** What builds run in and may use, and how much of what they make is kept. */
export const buildSettings = {
  executor: setting(
    'PREAMP_EXECUTOR',
    z.enum(['bubblewrap', 'docker', 'process']).optional(),
    'bubblewrap where it works, else docker, else process on a loopback bind',
    'Where build commands run. `docker` is Docker or Podman (docs/containers.md). `process` isolates nothing; it is chosen by itself only where the API is bound to loopback.',
  ),
  dockerCommand: setting(
    'PREAMP_DOCKER_COMMAND',
    z.string().min(1).optional(),
    'docker, else podman',
    'Command of the container engine that the executor `docker` uses: a name on the PATH, or a path.',
  ),
  buildImage: setting(
    'PREAMP_BUILD_IMAGE',
    z
      .string()
      .refine(isImageReference, 'must be the name of an image')
      .default('localhost/preamp-build:latest'),
    'localhost/preamp-build:latest',
    'Image of builds in containers whose app names none by `_CUSTOM_IMAGE`. It must be on this machine: `preamp image build` makes it.',
  ),
  buildUser: setting(
    'PREAMP_BUILD_UID',
    z.coerce
      .number()
      .int()
      .min(1)
      .max(2 ** 31)
      .default(64_700),
    '64700',
    'User and group id to which a server run as root drops its builds.',
  ),
  buildEnv: setting(
    'PREAMP_BUILD_ENV',
    list.optional(),
    'proxy, CA bundle and npm registry variables without credentials',
    'Names of server variables that are passed on to builds, separated by commas.',
  ),
  buildNetwork: setting(
    'PREAMP_BUILD_NETWORK',
    z.enum(['isolated', 'host']).optional(),
    'isolated where it works, else host',
    'Network of builds in bubblewrap: `isolated` leads to the internet and, where PREAMP_PRIVATE_SOURCES is on, to private addresses, never to this machine (docs/security.md). `host` is the one of the server.',
  ),
  buildOpenNetworks: setting(
    'PREAMP_BUILD_OPEN_NETWORKS',
    networkList.default([]),
    'the proxies and registries in PREAMP_BUILD_ENV, at their ports',
    'What isolated builds reach besides: private addresses or networks, or addresses of this machine, separated by commas.',
  ),
  computeStandard: setting(
    'PREAMP_COMPUTE_STANDARD',
    computeSize.prefault('4/8/128'),
    '4/8/128',
    'What a build of the compute type `STANDARD_8GB`, the default of apps, may use: processors/GiB of memory/GiB of disk. Never more than the machine has; processors are bounded where the server can write cgroups.',
  ),
  computeLarge: setting(
    'PREAMP_COMPUTE_LARGE',
    computeSize.prefault('8/16/128'),
    '8/16/128',
    'The same for `LARGE_16GB`.',
  ),
  computeXLarge: setting(
    'PREAMP_COMPUTE_XLARGE',
    computeSize.prefault('36/72/256'),
    '36/72/256',
    'The same for `XLARGE_72GB`.',
  ),
  buildMemoryMiB: setting(
    'PREAMP_BUILD_MEMORY_MIB',
    z.coerce.number().int().min(64).optional(),
    'the memory of the machine',
    'Memory that a build may use at most, whatever its compute type, in MiB.',
  ),
  buildProcessesMax: setting(
    'PREAMP_BUILD_PROCESSES_MAX',
    z.coerce.number().int().min(16).default(4096),
    '4096',
    'Processes and threads a build may have at once.',
  ),
  concurrentJobs: setting(
    'PREAMP_CONCURRENT_JOBS',
    z.coerce.number().int().min(1).max(1000).default(5),
    '5',
    'Jobs that run at the same time on this server.',
  ),
  cacheGiB: setting(
    'PREAMP_CACHE_GIB',
    z.coerce.number().min(0).default(5),
    '5',
    'How much the build cache of a branch, or the mirror of a Git repository, may hold, in GiB. What is larger is not kept.',
  ),
  cachesGiB: setting(
    'PREAMP_CACHES_GIB',
    z.coerce.number().min(0).default(50),
    '50',
    'How much of the disk all build caches and mirrors may take together, in GiB. What was used longest ago goes first.',
  ),
  defaultNode: setting(
    'PREAMP_DEFAULT_NODE',
    z
      .string()
      .regex(/^(host|[0-9]+(\.[0-9]+){0,2})$/, 'must be a version, as 22 or 22.11.0, or host')
      .default('22'),
    '22',
    'Version of Node of builds that name none. `host` is the one of this machine. Versions that are not on the machine come from the npm registry.',
  ),
  toolsGiB: setting(
    'PREAMP_TOOLS_GIB',
    z.coerce.number().min(0).default(5),
    '5',
    'How much of the disk the tools may take that builds asked for, in GiB. What was used longest ago goes first.',
  ),
  buildDiskFreeGiB: setting(
    'PREAMP_BUILD_DISK_FREE_GIB',
    z.coerce.number().min(0).default(1),
    '1',
    'Free room on the disk below which no job is begun, in GiB. Jobs wait until there is more; sites are served all the while.',
  ),
  keepDeployments: setting(
    'PREAMP_KEEP_DEPLOYMENTS',
    z.coerce.number().int().min(2).max(100_000).default(10),
    '10',
    'How many of the newest deployments of each branch are kept, 2 at the least, however old they are, for rollbacks. The live one always is.',
  ),
  keepDays: setting(
    'PREAMP_KEEP_DAYS',
    z.coerce.number().int().min(1).max(36_500).default(30),
    '30',
    'How long other deployments, and logs and artifacts of jobs without one, are kept, in days, 1 at the least. Jobs themselves stay in the lists.',
  ),
} as const
