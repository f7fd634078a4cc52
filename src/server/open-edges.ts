import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'

import type { Logger } from 'pino'

import type { Config } from '../config.ts'
import { arePrivateSourcesAllowed } from '../config/loopback-defaults.ts'
import { databaseUrl } from '../configured-database.ts'
import { readCertificate, UnusableCertificate } from '../edge/certificate.ts'
import type { TlsSettings } from '../edge/messages.ts'
import { type EdgeSupervisor, SitesPortInUse, superviseEdges } from '../edge/supervisor.ts'
import { UsageError } from '../usage-error.ts'
import { httpsPortOf, siteSuffixOf } from './addresses.ts'
import { certificateNotice } from './certificate-names.ts'
import { credentialsKeyOf } from './site-credentials.ts'
import type { State } from './state.ts'

/**
 * Starts the processes that serve sites.
 * @throws {UsageError} where they cannot listen, or cannot use a file that they are to read
 */
export async function openEdges({
  config,
  directory,
  secrets,
  log,
}: Pick<State, 'config' | 'directory' | 'secrets' | 'log'>): Promise<EdgeSupervisor> {
  // Processes share a port by `reusePort`, which spreads connections over them on Linux alone.
  const tls = tlsSettings(config, log)
  const countryFile = await usableCountryFile(config, log)
  const processesMax = process.platform === 'linux' ? availableParallelism() : 1
  try {
    return await superviseEdges({
      command: [process.execPath, Bun.main, 'edge'],
      settings: {
        host: config.host,
        port: config.sitesPort,
        tls,
        plainHttp2: config.http2 === 'all',
        httpsPort: httpsPortOf(config.sitesUrl),
        drainMilliseconds: config.drainSeconds * 1000,
        databaseUrl: databaseUrl(config, directory),
        blobsFolder: directory.blobs,
        siteSuffix: siteSuffixOf(config),
        sitesPort: config.sitesUrl === undefined ? null : new URL(config.sitesUrl).port,
        memoryBytes: config.edgeMemoryMiB * 1024 * 1024,
        credentialsKey: credentialsKeyOf(secrets).toString('base64url'),
        privateAllowed: arePrivateSourcesAllowed(config),
        plainProxies: config.proxyHttp,
        replacedMilliseconds: config.previousAssetsMinutes * 60_000,
        trustedProxies: config.trustedProxies,
        countryHeader: config.countryHeader ?? null,
        countryFile,
        accessLog:
          config.accessLogDays === 0
            ? null
            : {
                folder: directory.accessLogs,
                cookies: config.accessLogCookies,
                addresses: config.accessLogAddresses,
              },
        logLevel: config.logLevel,
      },
      processes: config.edgeProcesses ?? Math.min(processesMax, 4),
      edgesFile: directory.edges,
      log,
    })
  } catch (error) {
    if (error instanceof SitesPortInUse)
      throw new UsageError(
        `${error.message}. Choose another port with PREAMP_SITES_PORT${tls ? ' or PREAMP_SITES_TLS_PORT' : ''}.`,
      )
    // Bun gives no code for a name that is no address.
    if (error instanceof Error && error.message.includes('Failed to listen at'))
      throw new UsageError(
        `${config.host} is no address of this machine that can be listened on. Choose another with PREAMP_HOST.`,
        { cause: error },
      )
    throw error
  }
}

/** @throws {UsageError} where the files hold no certificate that can be used */
function tlsSettings(config: Config, log: Logger): TlsSettings | null {
  const { tlsCertFile, tlsKeyFile, sitesTlsPort, http2 } = config
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return null
  const files = { certFile: resolve(tlsCertFile), keyFile: resolve(tlsKeyFile) }
  try {
    const { cert } = readCertificate(files)
    const notice = certificateNotice(cert, files.certFile, siteSuffixOf(config))
    if (notice !== undefined) log.warn(notice)
  } catch (error) {
    if (!(error instanceof UnusableCertificate)) throw error
    throw new UsageError(`${error.message}. See PREAMP_TLS_CERT_FILE and PREAMP_TLS_KEY_FILE.`, {
      cause: error,
    })
  }
  return { ...files, port: sitesTlsPort, http2: http2 !== 'none' }
}

/** @throws {UsageError} where countries cannot be looked up in the file */
async function usableCountryFile({ countryFile }: Config, log: Logger): Promise<string | null> {
  if (countryFile === undefined) return null
  const { openCountryFile, UnusableCountryFile } = await import('../edge/country-file.ts')
  const path = resolve(countryFile)
  try {
    openCountryFile(path, log)
  } catch (error) {
    if (!(error instanceof UnusableCountryFile)) throw error
    throw new UsageError(`${error.message}. See PREAMP_COUNTRY_FILE.`, { cause: error })
  }
  return path
}
