import type { Output, Sources } from './generator.ts'
import { configFilesOf } from './known-files.ts'
import { plainFolder } from './source-text.ts'

/** Hugo is no npm package: its configuration tells it, by its own name or, before Hugo 0.110, by what it says. */
export function detectHugo({ folder }: Sources): Output | undefined {
  const own = configFilesOf.hugo.find((name) => folder.texts.has(name))
  const before = configFilesOf.hugoBefore.find((name) =>
    /^\s?["']?baseURL\b/im.test(folder.texts.get(name) ?? ''),
  )
  const name = own ?? before
  if (name === undefined) return undefined
  const written = /\bpublishDir["']?[ \t]{0,20}[=:][ \t]{0,20}["']?([^"'\s,]{1,200})/i.exec(
    folder.texts.get(name)!,
  )?.[1]
  const configured = plainFolder(written ?? '')
  const reasons = [own ? `there is ${name}` : `${name} has baseURL`]
  if (configured) reasons.push(`${name} has publishDir: ${configured}`)
  return { framework: 'Hugo', baseDirectory: configured || 'public', reasons }
}
