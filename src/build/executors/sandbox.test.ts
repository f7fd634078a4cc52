import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sandboxArguments, type SandboxView } from './sandbox.ts'

const folder = { work: '/data/job', home: '/data/job/.preamp-home', temporary: '/data/job/.preamp-tmp-1' }
const view: SandboxView = {
  toolFolders: ['/root/node'],
  files: ['/srv/ca.pem'],
  hidden: [],
  canDisableUserNamespaces: true,
}
const user = { uid: 64_700, gid: 64_700 }
const settings = { self: user, descriptors: { passwd: 6, seccomp: 7 }, network: true, readableFolders: [] }

function text(words: string[] | undefined): string {
  return ` ${words?.join(' ')} `
}

describe('sandboxArguments', () => {
  test('bind from where things are when the server is an ordinary user', () => {
    const { stage, sandbox } = sandboxArguments(folder, view, undefined, settings)
    expect(stage).toBeUndefined()
    expect(text(sandbox)).toContain(' --bind /data/job /build --bind /data/job/.preamp-tmp-1 /tmp ')
    expect(text(sandbox)).toContain(' --ro-bind /root/node /root/node --ro-bind /srv/ca.pem /srv/ca.pem ')
    expect(text(sandbox)).not.toMatch(/ --(setenv|clearenv) /)
  })

  test('bind from the stage, which keeps two capabilities to drop the user, when it is root', () => {
    const { stage, sandbox } = sandboxArguments(folder, view, user, settings)
    expect(text(stage)).toContain(
      ' --tmpfs /mnt --bind /root/node /mnt/0 --bind /srv/ca.pem /mnt/1 --bind /data/job /mnt/2 ',
    )
    expect(text(stage)).toContain(' --cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID ')
    expect(text(sandbox)).toContain(' --bind /mnt/2 /build --bind /mnt/3 /tmp ')
    expect(text(sandbox)).not.toContain('/data/job')
  })

  test('have the filter of system calls, and a network of their own where there is to be none', () => {
    const { sandbox } = sandboxArguments(folder, view, user, { ...settings, network: false })
    expect(text(sandbox)).toContain(' --unshare-net --seccomp 7 ')
    expect(text(sandboxArguments(folder, view, user, settings).sandbox)).not.toContain('--unshare-net')
  })

  test('have the names that their own network finds, or those of the host', () => {
    const descriptors = { ...settings.descriptors, resolver: 8 }
    const own = sandboxArguments(folder, view, user, { ...settings, descriptors })
    expect(text(own.sandbox)).toContain(' --ro-bind-data 8 /etc/resolv.conf ')
    expect(text(own.sandbox)).not.toMatch(/ --ro-bind \S+ \/etc\/resolv.conf /)
    expect(text(sandboxArguments(folder, view, user, settings).sandbox)).not.toContain('--ro-bind-data 8 ')
  })

  test('leave out what an older bwrap does not know', () => {
    const old = sandboxArguments(folder, { ...view, canDisableUserNamespaces: false }, undefined, settings)
    expect(text(old.sandbox)).not.toContain('--disable-userns')
  })

  describe('with a data directory in a folder that builds see', () => {
    let hidden: string

    beforeEach(() => {
      const parent = isWritableRoot() ? '/opt' : tmpdir()
      hidden = mkdtempSync(join(parent, 'preamp-hidden-'))
      mkdirSync(join(hidden, 'inner'))
    })
    afterEach(() => rmSync(hidden, { recursive: true }))

    test.if(isWritableRoot())(
      'cover it, or what is above it where the build’s user cannot even reach it',
      () => {
        const tools = `${hidden}/tools`
        const shown = { ...settings, readableFolders: [tools] }
        const covered = sandboxArguments(folder, { ...view, hidden: [hidden] }, user, shown)
        const inOrder = new RegExp(
          ` --tmpfs ${hidden} .* --ro-bind /mnt/\\d ${tools} .*--remount-ro ${hidden} `,
        )
        expect(text(covered.sandbox)).toMatch(inOrder)
        const unreachable = sandboxArguments(
          folder,
          { ...view, hidden: [join(hidden, 'inner')] },
          user,
          settings,
        )
        expect(text(unreachable.sandbox)).toContain(` --tmpfs ${hidden} `)
        const sameUser = sandboxArguments(
          folder,
          { ...view, hidden: [join(hidden, 'inner')] },
          undefined,
          settings,
        )
        expect(text(sameUser.sandbox)).toContain(` --tmpfs ${hidden}/inner `)
      },
    )
  })
})

function isWritableRoot(): boolean {
  return process.getuid!() === 0
}
