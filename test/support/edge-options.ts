import { join } from 'node:path'

import type { SupervisorOptions } from '../../src/edge/supervisor.ts'
import type { SiteStore } from './site-store.ts'

/** How a server would start its edges over these sites. */
export function edgeOptions(store: SiteStore, port = 0, processes = 2): Omit<SupervisorOptions, 'log'> {
  return {
    command: [process.execPath, join(import.meta.dir, '../../src/main.ts'), 'edge'],
    settings: {
      host: '127.0.0.1',
      port,
      tls: null,
      plainHttp2: false,
      httpsPort: null,
      drainMilliseconds: 0,
      databaseUrl: store.databaseUrl,
      blobsFolder: store.blobsFolder,
      siteSuffix: 'localhost',
      sitesPort: null,
      memoryBytes: 16 * 1024 * 1024,
      credentialsKey: 'AAAA',
      privateAllowed: true,
      plainProxies: false,
      replacedMilliseconds: 0,
      trustedProxies: [],
      countryHeader: null,
      countryFile: null,
      accessLog: null,
      logLevel: 'silent',
    },
    processes,
    edgesFile: join(store.folder, 'edges.json'),
  }
}
