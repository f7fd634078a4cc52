import { resolve } from 'node:path'

import { z } from 'zod'

import { setting } from './setting.ts'

/** Where the state is kept, and whose it is at first. */
export const stateSettings = {
  dataDir: setting(
    'PREAMP_DATA_DIR',
    z
      .string()
      .min(1)
      .default('.preamp')
      .transform((path) => resolve(path)),
    '.preamp',
    'Folder of the database, the objects, the keys and the builds at work. Held by one server at a time.',
  ),
  databaseUrl: setting(
    'PREAMP_DATABASE_URL',
    z
      .string()
      .regex(/^(postgres|postgresql):\/\//, 'must begin with postgres://')
      .optional(),
    'SQLite in the data directory',
    'PostgreSQL database that keeps the state instead of the embedded SQLite.',
  ),
  accountId: setting(
    'PREAMP_ACCOUNT_ID',
    z
      .string()
      .regex(/^[0-9]{12}$/, 'must be 12 digits')
      .default('000000000000'),
    '000000000000',
    'Account of the first key.',
  ),
  region: setting(
    'PREAMP_REGION',
    z.string().min(1).default('us-east-1'),
    'us-east-1',
    'Region that our own commands and printed examples use. Clients may use any; each has its own apps.',
  ),
  accessKeyId: setting(
    'PREAMP_ACCESS_KEY_ID',
    z
      .string()
      .regex(/^[A-Za-z0-9_]{4,128}$/, 'must be 4 to 128 letters, digits or _')
      .optional(),
    'made at first start',
    'Id of the first key. Give it together with PREAMP_SECRET_ACCESS_KEY.',
  ),
  secretAccessKey: setting(
    'PREAMP_SECRET_ACCESS_KEY',
    z.string().min(8).optional(),
    'made at first start',
    'Secret of the first key.',
  ),
  masterKeyFile: setting(
    'PREAMP_MASTER_KEY_FILE',
    z.string().min(1).optional(),
    'master.key in the data directory',
    'File of the key that encrypts stored secrets and from which URL signatures are derived. Made at first start, mode 0600.',
  ),
} as const
