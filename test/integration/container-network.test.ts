import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'

import type { Executor } from '../../src/build/executor.ts'
import { findContainerNetwork, findNetworkTools } from '../../src/build/executors/docker-network.ts'
import { openDockerExecutor } from '../../src/build/executors/docker.ts'
import {
  closeTestEngine,
  importImage,
  openTestEngine,
  requiresContainers,
  type TestEngine,
  testImage,
} from '../support/container-engine.ts'
import {
  exited,
  makeDataDirectory,
  makeWorkFolder,
  openSession,
  removeDataDirectory,
} from '../support/executors.ts'
import { layOutSystem, smallImage } from '../support/test-image.ts'

afterAll(closeTestEngine)

/** An address of this machine that is not its loopback. */
const hostAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

describe.if(await requiresContainers())('the network of a container', () => {
  let dataDirectory: string
  let testEngine: TestEngine
  const server = Bun.serve({ port: 0, hostname: '0.0.0.0', fetch: () => new Response('the host') })

  beforeAll(async () => {
    dataDirectory = makeDataDirectory()
    testEngine = (await openTestEngine()) as TestEngine
  })
  afterAll(async () => {
    await server.stop(true)
    removeDataDirectory(dataDirectory)
  })

  async function openExecutor(image: string, { rules }: { rules: boolean }): Promise<Executor> {
    const { engine } = testEngine
    return openDockerExecutor({
      engine,
      instance: dataDirectory,
      user: { uid: 64_700, gid: 64_700 },
      image,
      files: [],
      privateAllowed: false,
      network: await findContainerNetwork(engine),
      open: () => Promise.resolve([]),
      networkTools: rules ? findNetworkTools(engine) : 'the test leaves it open',
    })
  }

  test('leads neither to the host, nor to link-local, metadata and private addresses', async () => {
    const executor = await openExecutor(testImage, { rules: true })
    expect(executor.networkWarning).toBeUndefined()
    const session = await openSession(executor, makeWorkFolder(dataDirectory))
    const places = [
      hostAddress ?? '127.0.0.1',
      '127.0.0.1',
      '10.0.2.2',
      '10.0.2.3',
      '[fd00::2]',
      '169.254.169.254',
      '100.100.100.200',
      '[fd00:ec2::254]',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.0.1',
    ]
    try {
      // Refused at once: nothing waits for a connection that cannot come about.
      for (const place of places)
        expect({ place, ...(await session.run(`curl -s -m 5 http://${place}:${server.port}/`)) }).toEqual({
          place,
          ...exited(7),
        })
      expect(session.stdout()).toBe('')
    } finally {
      await session.stop()
    }
  })

  test.if(hostAddress !== undefined)('is closed before the first program of the image runs', async () => {
    // An image whose bash asks the host before it does what it is for.
    await importImage(testEngine.engine, 'localhost/eager', async (root) => {
      await layOutSystem(root, smallImage)
      renameSync(join(root, 'usr/bin/bash'), join(root, 'usr/bin/real-bash'))
      writeFileSync(
        join(root, 'usr/bin/bash'),
        `#!/usr/bin/real-bash\n: < /dev/tcp/${hostAddress}/${server.port} && : > /build/reached\nexec /usr/bin/real-bash "$@"\n`,
      )
      chmodSync(join(root, 'usr/bin/bash'), 0o755)
    })
    const reached: boolean[] = []
    for (const rules of [false, true]) {
      const executor = await openExecutor('localhost/eager', { rules })
      const workFolder = makeWorkFolder(dataDirectory)
      const session = await openSession(executor, workFolder)
      await session.stop()
      reached.push(existsSync(join(workFolder, 'reached')))
    }
    expect(reached).toEqual([true, false])
  })

  test('knows the resolvers of the host', async () => {
    const executor = await openExecutor(testImage, { rules: true })
    const session = await openSession(executor, makeWorkFolder(dataDirectory))
    try {
      const resolvers = await session.read('cat /etc/resolv.conf')
      const [, ofHost] = /^nameserver\s+(\S+)/m.exec(readFileSync('/etc/resolv.conf', 'utf8')) ?? []
      if (ofHost !== undefined && !ofHost.startsWith('127.')) expect(resolvers).toContain(ofHost)
    } finally {
      await session.stop()
    }
  })
})
