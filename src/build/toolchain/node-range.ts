import semver from 'semver'

/** The release lines of Node with long-term support, by the names that nvm knows them under (Node's release schedule). */
const releaseNames: Record<string, number> = {
  argon: 4,
  boron: 6,
  carbon: 8,
  dubnium: 10,
  erbium: 12,
  fermium: 14,
  gallium: 16,
  hydrogen: 18,
  iron: 20,
  jod: 22,
  krypton: 24,
}

/** What nvm calls a version (`20`, `v18.1.0`, `lts/iron`, `node`) as a range of npm's; undefined where it is none. */
export function nodeRange(text: string): string | undefined {
  const name = text.trim().toLowerCase()
  if (name === 'node' || name === 'stable' || name === 'latest' || name === 'current') return '*'
  const release = /^(?:--)?lts(?:[/=](\*|[a-z]+))?$/.exec(name)
  if (!release) {
    const isRange = name !== '' && name.length <= 64 && semver.validRange(name) !== null
    return isRange ? name : undefined
  }
  const wished = release[1] ?? '*'
  const major = wished === '*' ? Math.max(...Object.values(releaseNames)) : releaseNames[wished]
  return major === undefined ? undefined : String(major)
}
