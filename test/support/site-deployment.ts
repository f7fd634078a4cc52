import { FileTable } from '../../src/edge/file-table.ts'
import type { Deployment } from '../../src/edge/site.ts'

/** A deployment with files of one byte, and with nothing besides that the test does not name. */
export function siteDeployment(paths: string[], rest: Partial<Deployment> = {}): Deployment {
  const file = { sha: '00'.repeat(32), size: 1 }
  return {
    deploymentId: 'one',
    files: new FileTable(Object.fromEntries(paths.map((path) => [path, file]))),
    modifiedAt: 0,
    lastModified: 'Thu, 01 Jan 1970 00:00:00 GMT',
    customHeaders: undefined,
    legacyCustomHeaders: undefined,
    customRules: undefined,
    appRoot: '',
    folder: '',
    ...rest,
  }
}
