import { existsSync, readdirSync } from 'node:fs'

/**
 * What tests need besides npm packages: the name by which `requires()` asks for it, and the package of Debian and Ubuntu
 * that brings it. `npm test` installs what is missing.
 */
export const programs = {
  bwrap: 'bubblewrap',
  slirp4netns: 'slirp4netns',
  nft: 'nftables',
  git: 'git',
  curl: 'curl',
  unzip: 'unzip',
  prlimit: 'util-linux',
  unshare: 'util-linux',
  ip: 'iproute2',
  aws: 'awscli',
  boto3: 'python3-boto3',
  openssl: 'openssl',
  postgres: 'postgresql',
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  ceph: 'ceph-common',
  radosgw: 'radosgw',
  nginx: 'nginx-light',
  wrk: 'wrk',
  chromium: 'chromium',
  hugo: 'hugo',
  podman: 'podman',
  runc: 'runc',
  catatonit: 'catatonit',
  'docker-registry': 'docker-registry',
} as const

export type Program = keyof typeof programs

/** Path of a program, or undefined. `boto3` is a module of Python: its path is that of the interpreter that has it. */
export function findProgram(program: Program): string | undefined {
  if (program === 'boto3') return findPythonWith('boto3')
  return (
    Bun.which(program) ??
    otherFolders()
      .map((folder) => `${folder}/${program}`)
      .find(existsSync)
  )
}

/** Where Debian keeps programs that are not on everybody's PATH. */
function otherFolders(): string[] {
  const postgres = '/usr/lib/postgresql'
  const versions = existsSync(postgres) ? readdirSync(postgres) : []
  return ['/usr/sbin', ...versions.map((version) => `${postgres}/${version}/bin`)]
}

/** Debian's packages belong to Debian's own Python, which need not be the first on PATH. */
function findPythonWith(module: string): string | undefined {
  const candidates = ['/usr/bin/python3', Bun.which('python3')].filter((path) => path && existsSync(path))
  return candidates.find(
    (python) => Bun.spawnSync([python!, '-c', `import ${module}`], { stderr: 'ignore' }).exitCode === 0,
  ) as string | undefined
}
