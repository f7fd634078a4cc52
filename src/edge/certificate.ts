import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

import type { Logger } from 'pino'

import { limits } from '../model/limits.ts'

export interface CertificateFiles {
  certFile: string
  keyFile: string
}

/** In PEM: the server's certificate with those that lead to its root, and its key. */
export interface Certificate {
  cert: string
  key: string
}

/** The files hold no certificate that can be used. Its message names the file and the reason. */
export class UnusableCertificate extends Error {}

/** @throws {UnusableCertificate} */
export function readCertificate({ certFile, keyFile }: CertificateFiles): Certificate {
  const cert = readText(certFile)
  const key = readText(keyFile)
  const leaf = parse(certFile, 'certificate', () => new X509Certificate(cert))
  const privateKey = parse(keyFile, 'private key without a password', () => createPrivateKey(key))
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new UnusableCertificate(`The key in ${keyFile} is not the one of the certificate in ${certFile}`)
  }
  return { cert, key }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UnusableCertificate(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function parse<Parsed>(file: string, what: string, read: () => Parsed): Parsed {
  try {
    return read()
  } catch (error) {
    throw new UnusableCertificate(`${file} holds no ${what} in PEM`, { cause: error })
  }
}

/**
 * Looks at the files every few seconds, which also sees what a link or a mount puts in their place.
 * @param options.changed told of each pair that fits; one that does not, as between two writes, is passed over and looked at again
 */
export function watchCertificate(options: {
  files: CertificateFiles
  current: Certificate
  changed(certificate: Certificate): void
  log: Logger
  seconds?: number
}): { stop(): void } {
  const { files, changed, log, seconds = limits.certificatePollSeconds } = options
  let { current } = options
  let lastProblem = ''

  function look(): void {
    try {
      const found = readCertificate(files)
      lastProblem = ''
      if (found.cert === current.cert && found.key === current.key) return
      changed(found)
      current = found
    } catch (error) {
      const problem = String(error)
      // Said once; what was read before is still shown to visitors.
      if (problem !== lastProblem) log.error({ err: error }, 'the certificate cannot be read again')
      lastProblem = problem
    }
  }

  const timer = setInterval(look, seconds * 1000)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
