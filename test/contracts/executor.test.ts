import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { randomInt } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import type { Executor } from '../../src/build/executor.ts'
import { findCgroups } from '../../src/build/executors/cgroup.ts'
import { jobMark } from '../../src/build/executors/job-mark.ts'
import { closeTestEngine, requiresContainers } from '../support/container-engine.ts'
import {
  countDescriptors,
  type ExecutorCase,
  exited,
  makeDataDirectory,
  makeWorkFolder,
  openExecutor,
  type OpenSession,
  openSession,
  processesWith,
  removeDataDirectory,
} from '../support/executors.ts'
import { requires } from '../support/requires.ts'
import { waitFor } from '../support/wait-for.ts'

const cases: ExecutorCase[] = [
  { kind: 'bubblewrap', cgroups: true },
  { kind: 'bubblewrap', cgroups: false },
  { kind: 'process', cgroups: true },
  { kind: 'process', cgroups: false },
  // The engine holds the limits by itself.
  { kind: 'docker', cgroups: true },
]
const hostile = join(import.meta.dir, '../fixtures/hostile')
const leaveProcesses = readFileSync(join(hostile, 'leave-processes.sh'), 'utf8')
const leaveUnmarkedProcess = readFileSync(join(hostile, 'leave-unmarked-process.sh'), 'utf8')
const hostCgroups = await findCgroups()

/** A length of sleep that nobody else uses, by which a test knows its processes. */
function ownSeconds(): string {
  return `${randomInt(100_000, 200_000)}.${randomInt(1000, 10_000)}`
}

const isAvailable = { bubblewrap: requires('bwrap'), docker: await requiresContainers(), process: true }

afterAll(closeTestEngine)

describe.each(cases)('executor $kind, cgroups $cgroups', (which) => {
  describe.if(isAvailable[which.kind])('', () => {
    let dataDirectory: string
    let executor: Executor
    let workFolder: string
    let session: OpenSession

    beforeAll(async () => {
      dataDirectory = makeDataDirectory()
      writeFileSync(join(dataDirectory, 'master.key'), 'the master key', { mode: 0o600 })
      executor = await openExecutor(which, dataDirectory)
    })
    afterAll(() => removeDataDirectory(dataDirectory))
    beforeEach(async () => {
      workFolder = makeWorkFolder(dataDirectory)
      session = await openSession(executor, workFolder)
    })
    afterEach(() => session.stop())

    /** Path of the work folder as the commands see it. */
    const seen = (path: string): string => (which.kind === 'process' ? workFolder : '/build') + path

    describe('session', () => {
      test('starts in the start folder, and keeps folder, variables, functions and options', async () => {
        expect(await session.read('pwd')).toBe(`${seen('/site')}\n`)
        for (const command of [
          'mkdir web && cd web',
          'export A=1',
          'B=2',
          'greet() { echo "hi $1"; }',
          'set -o pipefail',
        ]) {
          expect(await session.run(command)).toEqual(exited(0))
        }
        expect(await session.read('pwd; echo $A $B; greet you')).toBe(`${seen('/site/web')}\n1 2\nhi you\n`)
        expect(await session.run('false | true')).toEqual(exited(1))
      })

      test('returns to the start folder when it is asked to, whatever `cd` has become', async () => {
        await session.run('mkdir deep && cd deep && export A=kept && cd() { echo not here; }')
        expect(await session.returnToStart()).toEqual(exited(0))
        expect(await session.read('pwd; echo $A')).toBe(`${seen('/site')}\nkept\n`)
        await session.run('rm -r "$PWD"')
        expect(await session.returnToStart()).toEqual(exited(1))
      })

      test('sees the folders that it is to read at their own paths, and can write to a pipe in them', async () => {
        const folder = mkdtempSync(join(dataDirectory, 'readable-'))
        chmodSync(folder, 0o755)
        writeFileSync(join(folder, 'tool'), 'of the server', { mode: 0o444 })
        const pipe = join(folder, 'pipe')
        Bun.spawnSync(['mkfifo', '--mode=622', '--', pipe])
        const descriptor = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
        try {
          await session.stop()
          session = await openSession(executor, workFolder, { readableFolders: [folder] })
          expect(await session.read(`cat ${folder}/tool; echo asked > ${pipe}`)).toBe('of the server')
          const asked = Buffer.alloc(16)
          expect(asked.toString('utf8', 0, readSync(descriptor, asked))).toBe('asked\n')
          if (which.kind !== 'process') {
            expect(await session.run(`touch ${folder}/new || rm -f ${folder}/tool`)).not.toEqual(exited(0))
          }
        } finally {
          closeSync(descriptor)
        }
      })

      const exitCodes: [command: string, exitCode: number][] = [
        ['true', 0],
        ['false', 1],
        ['(exit 37)', 37],
        ['nosuchprogram', 127],
        ['# only a comment', 0],
        ['', 0],
        ['if', 2],
        ['echo "unclosed', 2],
        ["bash -c 'kill -9 $$'", 137],
        ['false\ntrue', 0],
        ['true\nfalse', 1],
        ['true &', 0],
        ['exec 2>&- 1>&-', 0],
      ]
      test('gives the exit code of each command, and goes on', async () => {
        for (const [command, exitCode] of exitCodes) {
          expect({ command, ...(await session.run(command)) }).toEqual({ command, ...exited(exitCode) })
          expect(await session.run('(exit 3)')).toEqual(exited(3))
        }
      })

      test.each([
        ['exit 3', 3],
        ['exit', 0],
        ['set -e; false; true', 1],
        ['set -u; echo $NOSUCHVARIABLE; true', 127],
        ['exec bash -c "exit 9"', 9],
        ['kill -9 $$', 137],
        ['trap "exit 5" EXIT; exit 4', 5],
        ['sleep 100 & exit 6', 6],
        ['set -r', 0],
      ])('%s ends the shell', async (command, exitCode) => {
        let result = await session.run(command)
        // `set -r` forbids what the session needs from the next command on at the latest.
        if (result.kind === 'exited') result = await session.run('true')
        expect(result).toMatchObject({ kind: 'shell-ended' })
        if (command.startsWith('set -u')) expect(result).not.toMatchObject({ exitCode: 0 })
        else if (command !== 'set -r') expect(result).toMatchObject({ exitCode })
        expect(await session.run('echo never')).toEqual(result)
        expect(session.stdout()).not.toContain('never')
      })

      test('commands read nothing: neither stdin nor the commands after them', async () => {
        expect(
          await session.read('cat; cat -; read line; echo "read: $?"; node -e "process.stdin.resume()"'),
        ).toBe('read: 1\n')
        expect(await session.read('echo next')).toBe('next\n')
      })

      test('takes several lines, here documents, quotes, NUL and long commands as they are', async () => {
        expect(await session.read('cat <<END\none $((1 + 1))\nEND\nfor i in 1 2\ndo echo $i\ndone')).toBe(
          'one 2\n1\n2\n',
        )
        expect(await session.read(`echo 'it'"'"'s \\1 %s' "\u00e9 \u{1f600}"`)).toBe(
          `it's \\1 %s \u00e9 \u{1f600}\n`,
        )
        expect(await session.read('echo a\0b')).toBe('ab\n')
        const long = 'x'.repeat(200_000)
        expect(await session.read(`: '${long}'; echo done`)).toBe('done\n')
      })

      test('traps, traces and redirections of the whole shell do not confuse it', async () => {
        for (const command of [
          'trap "echo debug" DEBUG',
          'set -x',
          'set -v',
          'exec > out.txt 2>&1',
          'exec 3>a 9>b 10>c 11>d',
          'IFS=0123456789',
        ]) {
          expect(await session.run(command)).toEqual(exited(0))
        }
        expect(await session.run('echo into the file; (exit 12)')).toEqual(exited(12))
        expect(readFileSync(join(workFolder, 'site/out.txt'), 'utf8')).toContain('into the file')
        expect(session.stdout() + session.stderr()).not.toContain('into the file')
      })

      test('printing all it knows does not end a command', async () => {
        expect(
          await session.run('set; declare -p; env; ps axwwe || true; cat /proc/$$/cmdline; (exit 8)'),
        ).toEqual(exited(8))
        expect(session.stdout()).toContain('__preamp_nonce')
      })

      test('all output is there when a command ends, though its children hold the pipe', async () => {
        const result = await session.run('echo out; echo err >&2; (sleep 600; echo late) & printf end')
        expect(result).toEqual(exited(0))
        expect([session.stdout(), session.stderr()]).toEqual(['out\nend', 'err\n'])
      })

      test('the streams can be opened by name', async () => {
        expect(
          await session.run('echo a > /dev/stdout; echo b > /dev/stderr; echo c | tee /dev/stderr'),
        ).toEqual(exited(0))
        expect([session.stdout(), session.stderr()]).toEqual(['a\nc\n', 'b\nc\n'])
      })

      test('gives the environment, and adds what is missing', async () => {
        await session.stop()
        const environment = {
          PLAIN: "it's \n two $(lines)",
          'not-a-name': '1',
          LD_PRELOAD: '/nosuch.so',
          UID: '5',
        }
        session = await openSession(executor, workFolder, { environment })
        const printed = await session.read(`LD_PRELOAD= node -p 'JSON.stringify(process.env)'`)
        expect(JSON.parse(printed)).toMatchObject({
          PLAIN: environment.PLAIN,
          'not-a-name': '1',
          LANG: 'C.UTF-8',
        })
        expect(await session.read('echo $LD_PRELOAD')).toBe('/nosuch.so\n')
        expect(
          await session.run(
            'for f in "$HOME" "$TMPDIR"; do test -w "$f" || exit 1; done; test "$SHELL" -a "$USER"',
          ),
        ).toEqual(exited(0))
        const names = Object.keys(JSON.parse(printed) as object)
        expect(
          Object.keys(process.env)
            .filter((name) => names.includes(name))
            .toSorted(),
        ).toEqual(
          [
            'HOME',
            'LANG',
            'LOGNAME',
            'OLDPWD',
            'PATH',
            'PWD',
            'SHELL',
            'SHLVL',
            'TMPDIR',
            'USER',
            '_',
            'npm_config_prefix',
          ].filter((name) => name in process.env && names.includes(name)),
        )
      })

      test('a second session of the job finds the home and the files of the first', async () => {
        await session.run('echo 1 > ~/kept; echo 2 > kept')
        await session.stop()
        session = await openSession(executor, workFolder)
        expect(await session.read('cat ~/kept kept')).toBe('1\n2\n')
      })

      test('node, npm and git run', async () => {
        expect(
          await session.read(
            'node -p 6*7; npm --version | grep -c "^[0-9]"; git init -q . && git status --short | wc -l',
          ),
        ).toBe('42\n1\n0\n')
      })

      test('100 MB of output pass, and do not stay in memory', async () => {
        await session.stop()
        let bytes = 0
        session = await openSession(executor, workFolder, {
          onOutput: (_, chunk) => void (bytes += chunk.length),
        })
        // What tests before this one left is not this one's.
        Bun.gc(true)
        const before = process.memoryUsage.rss()
        expect(await session.run('head -c 100000000 /dev/zero; head -c 1000000 /dev/zero >&2')).toEqual(
          exited(0),
        )
        expect(bytes).toBe(101_000_000)
        Bun.gc(true)
        expect(process.memoryUsage.rss() - before).toBeLessThan(80_000_000)
      })
    })

    describe('end', () => {
      test('stop ends every process, whatever it does about it', async () => {
        const seconds = ownSeconds()
        await session.run(`set -- ${seconds}\n${leaveProcesses}`)
        await waitFor('hostile processes', 5, () => processesWith(seconds).length >= 6)
        const running = session.run(`sleep ${seconds}`)
        const begun = performance.now()
        await session.stop()
        // The interface's own promise.
        expect(performance.now() - begun).toBeLessThan(5000)
        expect(await running).toEqual({ kind: 'stopped' })
        expect(processesWith(seconds)).toEqual([])
        expect(await session.run('true')).toEqual({ kind: 'stopped' })
        await session.stop()
      })

      // Without a sandbox or a cgroup nothing is left by which such a process could be known.
      if (which.kind !== 'process' || which.cgroups)
        test.if(which.kind !== 'process' || hostCgroups !== undefined)(
          'stop finds a process that cleared its environment and left its session',
          async () => {
            const seconds = ownSeconds()
            await session.run(`set -- ${seconds}\n${leaveUnmarkedProcess}`)
            await waitFor('hostile processes', 5, () => processesWith(seconds).length >= 1)
            await session.stop()
            expect(processesWith(seconds)).toEqual([])
          },
        )

      test('a shell that ends takes its children along', async () => {
        const seconds = ownSeconds()
        await session.run(`set -- ${seconds}\n${leaveProcesses}`)
        expect(await session.run('echo last; exit 4')).toEqual({ kind: 'shell-ended', exitCode: 4 })
        expect(processesWith(seconds)).toEqual([])
        expect(session.stdout()).toEndWith('last\n')
      })

      if (which.cgroups)
        test('a killed server leaves nothing once its successor has cleaned up', async () => {
          const seconds = ownSeconds()
          const script =
            leaveProcesses + (which.kind !== 'process' || hostCgroups ? leaveUnmarkedProcess : '')
          const other = makeWorkFolder(dataDirectory)
          const server = Bun.spawn(
            [
              process.execPath,
              join(import.meta.dir, '../support/abandoned-server.ts'),
              which.kind,
              dataDirectory,
              other,
              script,
              seconds,
            ],
            { env: process.env, stdio: ['ignore', 'pipe', 'inherit'] },
          )
          await server.stdout.getReader().read()
          await waitFor('hostile processes', 5, () => processesWith(seconds).length >= 6)
          server.kill('SIGKILL')
          await server.exited

          await (await openExecutor(which, dataDirectory)).reap(other)
          expect(processesWith(seconds)).toEqual([])
          const mark = jobMark(dataDirectory, other)
          for (const hierarchy of ['memory', 'pids', 'cpu', '.']) {
            expect(existsSync(join('/sys/fs/cgroup', hierarchy, 'preamp', mark))).toBeFalse()
          }
          expect(await session.run('true')).toEqual(exited(0))
        })

      test('reap does nothing where nothing is left', async () => {
        await executor.reap('no such job')
        expect(await session.run('true')).toEqual(exited(0))
      })
    })

    describe('limits', () => {
      const small = { memoryBytes: 128 * 1024 ** 2, processesMax: 40, cpus: 1, diskBytes: 64 * 1024 ** 2 }

      beforeEach(async () => {
        await session.stop()
        session = await openSession(executor, workFolder, { limits: small })
      })

      test('too much memory ends the session and says so', async () => {
        const hog = 'const held = []; setInterval(() => held.push(Buffer.alloc(8 << 20, 1)), 20)'
        const result = await session.run(`node -e '${hog}'; echo survived; sleep 100`)
        expect(result).toMatchObject({ kind: 'limit', reason: expect.stringContaining('128 MiB of memory') })
      })

      test('too much on the disk ends the session and says so', async () => {
        expect(await session.run('head -c 40M /dev/zero > a')).toEqual(exited(0))
        const result = await session.run('mkdir -p deep/er; head -c 40M /dev/zero > deep/er/b; sleep 100')
        expect(result).toMatchObject({ kind: 'limit', reason: expect.stringContaining('64 MiB of disk') })
      })

      test('temporary files count, and a hole takes nothing', async () => {
        expect(await session.run('truncate -s 10G hole; sleep 1.5')).toEqual(exited(0))
        const result = await session.run('head -c 80M /dev/zero > "$TMPDIR/c"; sleep 100')
        expect(result).toMatchObject({ kind: 'limit', reason: expect.stringContaining('64 MiB of disk') })
      })

      test('too many processes end the session and say so', async () => {
        const seconds = ownSeconds()
        const result = await session.run(`for i in {1..200}; do sleep ${seconds} & done; wait`)
        expect(result).toMatchObject({ kind: 'limit', reason: expect.stringContaining('40 processes') })
        expect(processesWith(seconds)).toEqual([])
      })

      if (which.cgroups)
        test.if(hostCgroups !== undefined)(
          'two processes share the one processor that there is',
          async () => {
            const spin =
              'timeout 2 bash -c "while :; do :; done" & timeout 2 bash -c "while :; do :; done"; wait'
            const used = await session.read(`${spin}; times | tail -n 1`)
            const [, minutes, seconds] = /^([0-9]+)m([0-9.]+)s/.exec(used) ?? []
            expect(Number(minutes) * 60 + Number(seconds)).toBeLessThan(2.6)
          },
        )

      // Only where the kernel holds it back: this one is not bounded by itself.
      if (which.cgroups)
        test.if(hostCgroups !== undefined)('a fork bomb ends with a reason', async () => {
          const result = await session.run('bomb() { bomb | bomb & }; bomb; sleep 100')
          expect(result).toMatchObject({ kind: 'limit', reason: expect.stringContaining('40 processes') })
        })
    })

    // The process executor isolates nothing, and says so.
    if (which.kind !== 'process')
      describe('isolation', () => {
        test('sees no environment and no command line but its own', async () => {
          process.env['PREAMP_TEST_SECRET'] = 'server-sentinel'
          const neighbour = await openSession(executor, makeWorkFolder(dataDirectory), {
            environment: { OTHER: 'other-sentinel' },
          })
          try {
            void neighbour.run('sleep 600 # other-sentinel')
            const everything = await session.read(
              `cat /proc/*/environ /proc/*/cmdline /proc/*/task/*/environ | tr '\\0' '\\n'`,
            )
            expect(everything).toContain('PREAMP_JOB_MARK=')
            for (const secret of ['sentinel', dataDirectory, 'AWS_SECRET', 'executor.test'])
              expect(everything).not.toContain(secret)
            expect(await session.read('ls -d /proc/[0-9]* | wc -l').then(Number)).toBeLessThan(8)
          } finally {
            delete process.env['PREAMP_TEST_SECRET']
            await neighbour.stop()
          }
        })

        test('cannot read the data directory, home folders, or keys of the machine', async () => {
          const secrets = [dataDirectory, join(dataDirectory, 'master.key'), '/root/.ssh', '/etc/ssh']
          // In a container these are folders of its image, and in this image empty ones.
          const folders = ['/home', '/var/lib', '/mnt']
          for (const path of [...secrets, ...(which.kind === 'docker' ? [] : ['/sys', '/etc/shadow'])])
            expect(await session.run(`test -e ${path}`)).toEqual(exited(1))
          for (const path of folders)
            expect(await session.read(`ls -A ${path} 2> /dev/null || true`)).toBe('')
        })

        test('cannot write outside of its folder', async () => {
          for (const folder of ['/', '/usr', '/etc', '/opt', '/run', '/usr/local/bin', '/proc/sys/kernel']) {
            expect(await session.run(`test ! -e ${folder} || ! touch ${folder}/preamp-was-here`)).toEqual(
              exited(0),
            )
          }
          expect(await session.run('touch /build/a /tmp/b ~/c')).toEqual(exited(0))
        })

        test('is refused the system calls that builds do not need', async () => {
          const script = [
            'my ($x64, %sets) = (`uname -m` =~ /x86/, 1 => [250, 321, 298, 165, 425], 0 => [219, 280, 241, 40, 425]);',
            'for (@{$sets{$x64 ? 1 : 0}}) { syscall($_, 0, 0, 0, 0, 0); print $!+0, " " }',
            'syscall($x64 ? 272 : 97, 0x10000000); print $!+0, " ";',
            'for (38, 40) { socket(my $socket, $_, 5, 0); print $!+0, " " }',
            'print socket(my $socket, 2, 1, 0) ? "open" : "closed"',
          ].join('\n')
          expect(await session.read(`/usr/bin/perl -e '${script}'`)).toBe('1 1 1 1 38 1 97 97 open')
        })

        test('without a network reaches nothing, the loopback of the host included', async () => {
          using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('host') })
          const ask = `curl -s -m 5 http://127.0.0.1:${server.port}`
          await session.stop()
          session = await openSession(executor, workFolder, { network: false })
          expect(await session.run(ask)).toEqual(exited(7))
          expect(await session.read('tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "')).toBe('lo\n')
        })

        test('has no capabilities, no way to new ones, and is not the server’s user when that is root', async () => {
          const status = await session.read('cat /proc/self/status')
          expect(status).toMatch(/CapEff:\t0+\n/)
          expect(status).toMatch(/CapBnd:\t0+\n/)
          expect(status).toMatch(/NoNewPrivs:\t1\n/)
          expect(await session.run('unshare --user true')).not.toEqual(exited(0))
          const seconds = ownSeconds()
          await session.run(`sleep ${seconds} &`)
          await waitFor('the process', 5, () => processesWith(seconds).length === 1)
          const uids = processesWith(seconds).map(
            (pid) => /^Uid:\t([0-9]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1],
          )
          expect(uids).toEqual([String(process.getuid!() === 0 ? 64_700 : process.getuid!())])
        })
      })
  })
})

test.if(process.getuid!() === 0)(
  'as root, plain processes are dropped to the build’s user where it can reach their folder',
  async () => {
    const dataDirectory = makeDataDirectory()
    try {
      const executor = await openExecutor({ kind: 'process', cgroups: true }, dataDirectory)
      const userIds: string[] = []
      for (const mode of [0o700, 0o711]) {
        chmodSync(dataDirectory, mode)
        const session = await openSession(executor, makeWorkFolder(dataDirectory))
        userIds.push(await session.read('touch ~/x && id -u && grep NoNewPrivs /proc/self/status'))
        await session.stop()
      }
      expect(userIds).toEqual(['0\nNoNewPrivs:\t0\n', '64700\nNoNewPrivs:\t1\n'])
    } finally {
      removeDataDirectory(dataDirectory)
    }
  },
)

test('sessions leave no descriptors open', async () => {
  const dataDirectory = makeDataDirectory()
  try {
    const executor = await openExecutor({ kind: 'process', cgroups: true }, dataDirectory)
    const once = async (): Promise<void> => {
      const session = await openSession(executor, makeWorkFolder(dataDirectory))
      await session.run('echo x')
      await session.stop()
    }
    await once()
    const before = countDescriptors()
    for (let round = 0; round < 5; round++) await once()
    expect(countDescriptors()).toBeLessThanOrEqual(before + 2)
  } finally {
    removeDataDirectory(dataDirectory)
  }
})
