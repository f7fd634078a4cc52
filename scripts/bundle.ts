import { rmSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Bundles the program into `dist/`, or the folder that is named: what `bin/preamp.mjs` runs. Of half a thousand modules it
 * makes a few, which load in half the time. Commands stay apart, so that each still loads only what it needs. `npm install`
 * runs this.
 */
const root = join(import.meta.dir, '..')
const outdir = process.argv[2] ?? join(root, 'dist')

rmSync(outdir, { recursive: true, force: true })
await Bun.build({
  entrypoints: [join(root, 'src/main.ts')],
  outdir,
  target: 'bun',
  splitting: true,
  minify: { whitespace: true, syntax: true },
  sourcemap: 'linked',
})
