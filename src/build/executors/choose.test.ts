import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { requiresOwnNetwork } from '../../../test/support/executors.ts'
import { requires } from '../../../test/support/requires.ts'
import { chooseExecutor, type ChooseOptions, NoExecutor } from './choose.ts'

let root: string
let options: ChooseOptions

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'preamp-choose-'))
  options = {
    executor: undefined,
    // Whatever engine this machine has: what is chosen without bubblewrap is to be the same everywhere.
    dockerCommand: 'no-engine',
    buildImage: 'preamp-build',
    loopback: true,
    buildUser: 64_700,
    dataDirectory: root,
    secretPaths: [],
    environment: process.env,
    buildNetwork: undefined,
    privateSources: true,
    openNetworks: [],
    passedOnVariables: {},
  }
})
afterEach(() => rmSync(root, { recursive: true }))

describe.if(requires('bwrap'))('where bubblewrap works', () => {
  test.if(requiresOwnNetwork())('it is chosen, also on any bind, with a network of its own', async () => {
    for (const loopback of [true, false]) {
      const { executor, notice } = await chooseExecutor({ ...options, loopback })
      expect([executor.name, executor.sharesNetwork, notice]).toEqual(['bubblewrap', false, undefined])
    }
  })

  describe('and slirp4netns does not', () => {
    beforeEach(async () => {
      await Bun.write(join(root, 'slirp4netns'), '#!/bin/sh\necho "no TUN device" >&2\nexit 1\n')
      chmodSync(join(root, 'slirp4netns'), 0o755)
      options.environment = { ...process.env, PATH: `${root}:${process.env['PATH']}` }
    })

    test('builds share the network of the host, with the reason', async () => {
      const { executor, notice } = await chooseExecutor(options)
      expect([executor.name, executor.sharesNetwork]).toEqual(['bubblewrap', true])
      expect(notice).toStartWith('Builds share the network of this machine')
      expect(notice).toContain('A network of their own does not work here: ')
    })

    test('nothing is chosen when a network of their own is asked for', async () => {
      expect(chooseExecutor({ ...options, buildNetwork: 'isolated' })).rejects.toThrow(
        'PREAMP_BUILD_NETWORK=isolated does not work here',
      )
    })
  })

  test('builds share the network of the host where that is asked for', async () => {
    const { executor, notice } = await chooseExecutor({ ...options, buildNetwork: 'host' })
    expect([executor.name, executor.sharesNetwork]).toEqual(['bubblewrap', true])
    expect(notice).toContain('PREAMP_BUILD_NETWORK is host')
  })
})

test('processes have no network of their own', async () => {
  expect(chooseExecutor({ ...options, executor: 'process', buildNetwork: 'isolated' })).rejects.toThrow(
    'PREAMP_BUILD_NETWORK=isolated does not work here: PREAMP_EXECUTOR is process.',
  )
})

describe('where bubblewrap does not work', () => {
  /** A bwrap that fails as the real one does where user namespaces are forbidden. */
  beforeEach(async () => {
    await Bun.write(
      join(root, 'bwrap'),
      '#!/bin/sh\necho "bwrap: setting up uid map: Permission denied" >&2\nexit 1\n',
    )
    chmodSync(join(root, 'bwrap'), 0o755)
    options.environment = { ...process.env, PATH: `${root}:${process.env['PATH']}` }
  })

  test('processes are chosen on a loopback bind, with the reason and what to do', async () => {
    const { executor, notice } = await chooseExecutor(options)
    expect(executor.name).toBe('process')
    expect(notice).toContain('setting up uid map: Permission denied')
    expect(notice).toContain('sysctl')
  })

  test('nothing is chosen on any other bind', async () => {
    const refusal = chooseExecutor({ ...options, loopback: false })
    expect(refusal).rejects.toBeInstanceOf(NoExecutor)
    expect(refusal).rejects.toThrow(/setting up uid map[\s\S]*PREAMP_EXECUTOR=process/)
  })

  test('nor when bubblewrap is asked for by name', async () => {
    expect(chooseExecutor({ ...options, executor: 'bubblewrap' })).rejects.toThrow(
      'PREAMP_EXECUTOR=bubblewrap does not work here',
    )
  })
})

test('processes by explicit choice come with a warning on a bind that others reach', async () => {
  const { executor, notice } = await chooseExecutor({ ...options, executor: 'process', loopback: false })
  expect(executor.name).toBe('process')
  expect(notice).toContain('Whoever may start a job can read what this server can')
})
