import pino from 'pino'

import { findTools } from '../../src/build/executors/tools.ts'
import { findHostNode } from '../../src/build/toolchain/host-node.ts'
import { openRegistry, type Registry } from '../../src/build/toolchain/registry.ts'
import { openToolCache } from '../../src/build/toolchain/tool-cache.ts'
import { createToolchains, type Toolchains } from '../../src/build/toolchain/toolchains.ts'

export interface TestToolchainsOptions {
  registry?: Registry
  defaultNode?: string
  bytesMax?: number
}

/** Toolchains as a server has them; what names no version of Node gets that of this machine. */
export async function openTestToolchains(
  folder: string,
  { registry = openRegistry(), defaultNode = 'host', bytesMax = 4 * 1024 ** 3 }: TestToolchainsOptions = {},
): Promise<Toolchains> {
  const log = pino({ level: 'silent' })
  const { path } = await findTools(process.env, folder)
  const cache = await openToolCache({ folder, bytesMax, registry, log })
  return createToolchains({ cache, hostNode: await findHostNode(path), inImage: false, defaultNode, log })
}
