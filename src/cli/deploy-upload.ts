import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import { type AmplifyClient, CreateDeploymentCommand } from '@aws-sdk/client-amplify'
import { ZipFile } from 'yazl'

import { forEachConcurrently } from '../model/concurrently.ts'
import { jsonBytes } from '../model/json-bytes.ts'
import { limits } from '../model/limits.ts'
import { hashFile, type LocalFile } from './deploy-files.ts'

export interface UploadResult {
  jobId: string
  filesSent: number
  bytesSent: number
}

interface Branch {
  appId: string
  branchName: string
}

const filesAtOnce = 8
/** AWS's limit for a name in `fileMap` (contract/amplify-api.json). */
const fileMapNameCharactersMax = 255
const headersBytesMax = 1024

/**
 * Creates a deployment and uploads its files: one by one, leaving out those that the branch already shows, or as one zip
 * where the list of files does not fit into a `fileMap`.
 * @param onProgress called with how much of all files is dealt with
 */
export async function uploadFiles(
  client: AmplifyClient,
  branch: Branch,
  files: LocalFile[],
  onProgress: (done: number) => void,
): Promise<UploadResult> {
  const hashes = new Map<string, { md5: string; sha: string }>()
  await forEachConcurrently(files, filesAtOnce, async ({ name, path }) => {
    hashes.set(name, await hashFile(path))
  })
  const fileMap = Object.fromEntries([...hashes].map(([name, { md5 }]) => [name, md5]))
  if (!fitsFileMap(fileMap)) return await uploadZip(client, branch, files)

  const { jobId, fileUploadUrls } = await client.send(new CreateDeploymentCommand({ ...branch, fileMap }))
  const result: UploadResult = { jobId: given(jobId, 'jobId'), filesSent: 0, bytesSent: 0 }
  let done = 0
  await forEachConcurrently(files, filesAtOnce, async (file) => {
    const url = given(fileUploadUrls?.[file.name], `upload URL for ${file.name}`)
    if (!(await isKnown(url, hashes.get(file.name)?.sha))) {
      await put(url, Bun.file(file.path), file.name)
      result.filesSent += 1
      result.bytesSent += file.size
    }
    onProgress((done += 1))
  })
  return result
}

export function fitsFileMap(fileMap: Record<string, string>): boolean {
  const names = Object.keys(fileMap)
  return (
    names.length <= limits.fileMapFilesMax &&
    jsonBytes({ fileMap }) <= limits.requestBodyBytesMax - headersBytesMax &&
    names.every((name) => name.length <= fileMapNameCharactersMax && name !== '__proto__')
  )
}

/**
 * Asks the server to take the file from what the branch shows now (src/api/preamp/known-files.ts). The header in the answer
 * says that it did: another server would have stored an empty file, which the upload that follows replaces.
 */
async function isKnown(url: string, sha: string | undefined): Promise<boolean> {
  if (sha === undefined) return false
  const response = await fetch(url, { method: 'PUT', headers: { 'x-preamp-sha256': sha } })
  await response.arrayBuffer()
  return response.ok && response.headers.get('x-preamp-sha256') === sha
}

async function uploadZip(client: AmplifyClient, branch: Branch, files: LocalFile[]): Promise<UploadResult> {
  const { jobId, zipUploadUrl } = await client.send(new CreateDeploymentCommand(branch))
  const folder = mkdtempSync(join(tmpdir(), 'preamp-deploy-'))
  try {
    const path = join(folder, 'site.zip')
    const zip = new ZipFile()
    for (const file of files) zip.addFile(file.path, file.name)
    zip.end()
    await pipeline(zip.outputStream, createWriteStream(path))
    const body = Bun.file(path)
    await put(given(zipUploadUrl, 'zipUploadUrl'), body, 'the zip')
    return { jobId: given(jobId, 'jobId'), filesSent: files.length, bytesSent: body.size }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function put(url: string, body: Blob, name: string): Promise<void> {
  const response = await fetch(url, { method: 'PUT', body })
  const text = await response.text()
  if (!response.ok) throw new Error(`The upload of ${name} was answered ${response.status}: ${text}`)
}

function given<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`The answer to CreateDeployment has no ${what}`)
  return value
}
