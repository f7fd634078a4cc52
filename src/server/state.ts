import type { Logger } from 'pino'

import type { Blobs } from '../blobs/blobs.ts'
import type { Config } from '../config.ts'
import type { DataDirectory } from '../data-directory.ts'
import type { Database } from '../store/database.ts'
import type { SecretBox } from '../store/secret-box.ts'

/** What most parts of the server are made from. */
export interface State {
  config: Config
  directory: DataDirectory
  database: Database
  blobs: Blobs
  secrets: SecretBox
  log: Logger
}
