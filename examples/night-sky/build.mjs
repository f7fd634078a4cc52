// Writes the site to dist/. Needs nothing but Node.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'

import { chart, planisphere } from './charts.mjs'
import { constellations } from './constellations.mjs'
import { homePage, notFoundPage, page } from './pages.mjs'

const started = performance.now()
rmSync('dist', { recursive: true, force: true })
mkdirSync('dist')
cpSync('static', 'dist', { recursive: true })

const write = (path, text) => {
  mkdirSync(`dist/${path}`.replace(/\/[^/]*$/, ''), { recursive: true })
  writeFileSync(`dist/${path}`, text)
  console.log(`  dist/${path.padEnd(32)} ${(Buffer.byteLength(text) / 1024).toFixed(1).padStart(7)} KiB`)
}

write(
  'index.html',
  homePage(constellations, planisphere(constellations), (each) => chart(each, { labels: false })),
)
for (const [index, each] of constellations.entries()) {
  const before = constellations.at(index - 1)
  const after = constellations[(index + 1) % constellations.length]
  write(`${each.slug}/index.html`, page(each, chart(each, { labels: true }), before, after))
}
write('404.html', notFoundPage())

const stars = new Set(constellations.flatMap(({ stars }) => Object.values(stars).map(String))).size
console.log(
  `${constellations.length} constellations, ${stars} stars, ${Math.round(performance.now() - started)} ms`,
)
