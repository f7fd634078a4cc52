import { describe, expect, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { createGitRepository } from '../../test/support/git-repository.ts'
import { requires } from '../../test/support/requires.ts'
import { runGit } from './run-git.ts'

describe.if(requires('prlimit'))('a small repository that unfolds to very many names', () => {
  test('does not get the memory for them', async () => {
    const repository = await createGitRepository({ f0: 'boom' })
    // Six folders deep, each holding the next one ten times: a million files out of seven objects.
    let [type, id] = ['100644 blob', repository.git('rev-parse', 'HEAD:f0')]
    for (let depth = 0; depth < 6; depth++) {
      const entries = Array.from({ length: 10 }, (_, index) => `${type} ${id}\tf${index}\n`)
      const stdin = Buffer.from(entries.join(''))
      const made = Bun.spawnSync(['git', 'mktree'], { cwd: repository.folder, stdin })
      ;[type, id] = ['040000 tree', made.stdout.toString().trim()]
    }
    const cwd = join(repository.folder, 'work')
    mkdirSync(cwd)
    const unfold = runGit(['--git-dir=../.git', '--work-tree=.', 'read-tree', id], {
      cwd,
      environment: { PATH: process.env['PATH'] ?? '' },
      signal: AbortSignal.timeout(30_000),
      memoryBytesMax: 32 * 1024 * 1024,
    })
    await expect(unfold).rejects.toThrow(/out of memory/i)
    repository.remove()
  })
})
