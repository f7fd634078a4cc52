import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Commands of builds in the bubblewrap executor against the same in a plain bash on the same disk.
 * The goal: at most 1.05 times as long.
 */
import type { BuildSession } from '../src/build/executor.ts'
import { chooseExecutor } from '../src/build/executors/choose.ts'
import { median, option, runProgram, timed } from './support/measure.ts'

const rounds = option('--rounds', 11)
const mixes = {
  'many small files':
    'for i in {1..10}; do mkdir -p a/$i; for j in {1..100}; do echo $j > a/$i/$j; done; done; rm -r a',
  'tar and gzip': 'tar -cf - -C /usr/lib git-core | gzip -1 | tar -xzf - && rm -r git-core',
  'many processes': 'for i in {1..100}; do /bin/true; done',
  node: 'for i in 1 2 3; do node -e "for (let i = 0; i < 2e7; i++) Math.sqrt(i)"; done',
}

const folder = mkdtempSync(join(tmpdir(), 'preamp-bench-'))
try {
  const session = await openSandbox(folder)
  const plainFolder = join(folder, 'plain')
  mkdirSync(plainFolder)
  for (const [name, command] of Object.entries(mixes)) {
    const plain: number[] = []
    const sandboxed: number[] = []
    for (let round = 0; round < rounds; round++) {
      plain.push(await timed(() => runProgram(['bash', '-c', command], { cwd: plainFolder })))
      sandboxed.push(await timed(() => runInSandbox(session, command)))
    }
    const [outside, inside] = [median(plain), median(sandboxed)]
    console.log(
      `${name}: ${inside.toFixed(0)} ms in bubblewrap, ${outside.toFixed(0)} ms in a plain bash, ratio ${(inside / outside).toFixed(2)} (median of ${rounds}; goal: at most 1.05)`,
    )
  }
  await session.stop()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function openSandbox(dataDirectory: string): Promise<BuildSession> {
  const { executor } = await chooseExecutor({
    executor: 'bubblewrap',
    dockerCommand: undefined,
    buildImage: '',
    loopback: true,
    buildUser: 64_700,
    dataDirectory,
    secretPaths: [],
    environment: process.env,
    buildNetwork: undefined,
    privateSources: true,
    openNetworks: [],
    passedOnVariables: {},
  })
  const workFolder = join(dataDirectory, 'job')
  mkdirSync(workFolder)
  return executor.open({
    jobKey: 'bench',
    workFolder,
    startFolder: workFolder,
    environment: {},
    limits: { memoryBytes: 4 * 1024 ** 3, processesMax: 4096, cpus: 64, diskBytes: 128 * 1024 ** 3 },
    network: true,
    readableFolders: [],
    onOutput: () => undefined,
  })
}

async function runInSandbox(session: BuildSession, command: string): Promise<void> {
  const result = await session.run(command)
  if (result.kind !== 'exited' || result.exitCode !== 0)
    throw new Error(`${command}: ${JSON.stringify(result)}`)
}
