import type { Blobs } from '../blobs/blobs.ts'
import { forEachConcurrently } from '../model/concurrently.ts'
import { codeOf } from '../model/error-code.ts'
import { type BlobOwner, listBlobOwners } from '../store/blob-owners.ts'
import type { Database } from '../store/database.ts'
import { type Finding, nameOf } from './finding.ts'
import { readManifest, UnreadableManifest } from './read-manifest.ts'

const readsAtWork = 4
const namesShownMax = 3

export interface BlobsCheck {
  findings: Finding[]
  deployments: number
  stored: Counted
  /** What the sweep will free once it is old enough: no trouble. */
  unreferenced: Counted
}

export interface Counted {
  blobs: number
  bytes: number
}

/** What is wrong with a blob: `missing`, `damaged` (its bytes do not have its hash), or why it cannot be read. */
type Damage = Map<string, string>

/**
 * Reads every blob there is or should be, and tells whom those that are missing or damaged belong to.
 * A damaged blob is removed by its repair even where a row refers to it: whoever puts the right bytes again would be told
 * that they are there already, and they would stay wrong.
 * @param sound hashes that were found good by an earlier look; added to
 */
export async function checkBlobs(database: Database, blobs: Blobs, sound: Set<string>): Promise<BlobsCheck> {
  const owners = await listBlobOwners(database.queries)
  const referenced = new Set(owners.map((owner) => owner.sha))
  for await (const { shas } of readManifests(owners, blobs))
    for (const sha of shas.keys()) referenced.add(sha)

  const stored: Counted = { blobs: 0, bytes: 0 }
  const unreferenced: Counted = { blobs: 0, bytes: 0 }
  const toRead = new Set(referenced)
  for await (const { sha, size } of blobs.list()) {
    toRead.add(sha)
    count(stored, size)
    if (!referenced.has(sha)) count(unreferenced, size)
  }

  const damage: Damage = new Map()
  await forEachConcurrently(toRead, readsAtWork, async (sha) => {
    if (sound.has(sha)) return
    const found = await examine(blobs, sha)
    if (found === undefined) sound.add(sha)
    else if (found !== 'missing' || referenced.has(sha)) damage.set(sha, found)
  })
  const findings = damage.size === 0 ? [] : await attribute(damage, owners, blobs)
  return {
    findings,
    deployments: owners.filter((owner) => owner.kind === 'manifest').length,
    stored,
    unreferenced,
  }
}

function count(counted: Counted, bytes: number): void {
  counted.blobs++
  counted.bytes += bytes
}

/** Undefined for a blob that is whole. */
async function examine(blobs: Blobs, sha: string): Promise<string | undefined> {
  try {
    const found = await blobs.verify(sha)
    if (found === 'ok') return undefined
    return found === 'missing' ? 'missing' : 'damaged'
  } catch (error) {
    // Gone between two looks at it, or the disk cannot read it: both are what this command is asked about.
    const code = codeOf(error)
    if (code === undefined) throw error
    return code === 'ENOENT' ? 'missing' : `not readable (${code})`
  }
}

interface ReadManifest {
  owner: BlobOwner
  /** Paths by hash. */
  shas: Map<string, string[]>
}

/** Those manifests that can be read; the others are found when every blob is. */
async function* readManifests(owners: BlobOwner[], blobs: Blobs): AsyncGenerator<ReadManifest, void> {
  for (const owner of owners) {
    if (owner.kind !== 'manifest') continue
    try {
      const { files } = await readManifest(blobs, owner.sha)
      const shas = new Map<string, string[]>()
      for (const [path, { sha }] of Object.entries(files)) {
        const paths = shas.get(sha)
        if (paths) paths.push(path)
        else shas.set(sha, [path])
      }
      yield { owner, shas }
    } catch (error) {
      if (!(error instanceof UnreadableManifest) && codeOf(error) === undefined) throw error
    }
  }
}

/** One finding for each owner, so that a lost disk block of a site does not become a thousand lines. */
async function attribute(damage: Damage, owners: BlobOwner[], blobs: Blobs): Promise<Finding[]> {
  const findings: Finding[] = []
  const owned = new Set<string>()
  const add = (owner: BlobOwner, shas: string[], names: string[]) => {
    for (const sha of shas) owned.add(sha)
    findings.push(findingOf(owner, new Map(shas.map((sha) => [sha, damage.get(sha)!])), names, blobs))
  }
  for (const owner of owners) {
    if (damage.has(owner.sha)) add(owner, [owner.sha], [whatOf(owner)])
  }
  for await (const { owner, shas } of readManifests(owners, blobs)) {
    const damaged = [...shas.keys()].filter((sha) => damage.has(sha))
    if (damaged.length > 0)
      add(
        owner,
        damaged,
        damaged.flatMap((sha) => shas.get(sha)!),
      )
  }
  for (const [sha, state] of damage) {
    if (owned.has(sha)) continue
    findings.push({
      id: `blob ${sha}`,
      problem: `The object ${sha} is ${state}. Nothing refers to it.`,
      advice: 'Stop the server and run `preamp doctor --repair`: it removes the object.',
      repair: () => removeDamaged(blobs, [sha]),
    })
  }
  return findings
}

function whatOf({ kind, name }: BlobOwner): string {
  if (kind === 'manifest') return 'the list of the files of its deployment'
  if (kind === 'log') return `the log of step ${name}`
  if (kind === 'artifact') return `the artifact ${name}`
  return name === '' ? 'the uploaded zip' : `the upload ${name}`
}

function findingOf(owner: BlobOwner, damage: Damage, names: string[], blobs: Blobs): Finding {
  const states = [...new Set(damage.values())].toSorted().join(' or ')
  const shown = names.slice(0, namesShownMax).join(', ')
  const more = names.length > namesShownMax ? ` and ${names.length - namesShownMax} more` : ''
  const [example = ''] = damage.keys()
  const broken = [...damage].filter(([, state]) => state !== 'missing').map(([sha]) => sha)
  return {
    id: `${owner.kind} ${owner.sha} ${owner.appId} ${owner.branchName} ${owner.jobNumber}`,
    problem: `${nameOf({ ...owner, number: owner.jobNumber })}: ${shown}${more}: ${states} (object ${example}).`,
    advice: `${broken.length > 0 ? 'Stop the server and run `preamp doctor --repair`, which removes the damaged objects. Then: ' : ''}${adviceFor(owner)}`,
    ...(broken.length > 0 && { repair: () => removeDamaged(blobs, broken) }),
  }
}

function adviceFor(owner: BlobOwner): string {
  const copy = `copy ${owner.kind === 'manifest' ? 'the objects' : 'the object'} from the folder \`blobs\` of a backup to the same place`
  const forget = owner.jobNumber === undefined ? '' : `, and delete job ${owner.jobNumber}`
  if (!owner.isLive && owner.jobNumber === undefined) return `nothing: the branch's next deploy forgets it.`
  if (owner.kind !== 'manifest') return `${copy}, or delete job ${owner.jobNumber}.`
  if (owner.isLive) return `deploy the branch again${forget}; or ${copy}.`
  return `delete job ${owner.jobNumber}, or ${copy}.`
}

async function removeDamaged(blobs: Blobs, shas: string[]): Promise<string> {
  let removed = 0
  for (const sha of shas) if (await blobs.delete(sha)) removed++
  return `Removed ${removed} damaged ${removed === 1 ? 'object' : 'objects'}.`
}
