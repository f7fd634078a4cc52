import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { quoteForShell } from '../../model/shell-quote.ts'
import nvmScript from './nvm.sh' with { type: 'text' }
import shimScript from './shim.sh' with { type: 'text' }

const shimNames = ['corepack', 'yarn', 'yarnpkg', 'pnpm', 'pnpx', 'bun', 'bunx']

/** Writes what {@link beginCommand} needs into a folder, which it makes. */
export async function writeShellScripts(folder: string): Promise<void> {
  const shims = join(folder, 'shims')
  const nvm = join(folder, 'nvm.sh')
  const shim = join(folder, 'shim.sh')
  await mkdir(shims, { recursive: true })
  await writeFile(nvm, nvmScript)
  await writeFile(shim, shimScript)
  for (const name of shimNames) await symlink('../shim.sh', join(shims, name))
  // Builds run as another user, whatever the server's umask.
  for (const path of [folder, shims, nvm, shim]) await chmod(path, 0o755)
}

export interface NodeInUse {
  /** Folder of its programs; empty for the one of the machine. */
  bin: string
  version: string | undefined
}

export interface ShellStart {
  /** Of the scripts and the channel. */
  folder: string
  /** What the commands can read of the tool cache. */
  tools: string
  node: NodeInUse
  /** Set where the build has none of the name. */
  variables: Record<string, string>
}

/**
 * The command by which the shell of a build gets `nvm` and its Node. An nvm that the build could install with, as images
 * have one, decides instead. The programs of the shims are links in the build's home, where `corepack enable` can take
 * their place.
 */
export function beginCommand({ folder, tools, node, variables }: ShellStart): string {
  const start = quoteForShell(node.version ?? 'system')
  const defaults = Object.entries(variables).map(
    ([name, value]) => `export ${name}=\${${name}-${quoteForShell(value)}}`,
  )
  return `export PREAMP_TOOLCHAIN=${quoteForShell(folder)} PREAMP_TOOLS=${quoteForShell(tools)}
${defaults.join('\n')}
for __preamp_nvm in "\${NVM_DIR-}" /root/.nvm /usr/local/nvm /opt/nvm; do
  if [[ -s $__preamp_nvm/nvm.sh && -w $__preamp_nvm && $__preamp_nvm != "$HOME/.nvm" ]]; then break; fi
  __preamp_nvm=
done
if [[ -n $__preamp_nvm ]]; then
  # It refuses to work beside a prefix of npm.
  unset npm_config_prefix
  export NVM_DIR=$__preamp_nvm
  . "$NVM_DIR/nvm.sh"
  echo "# The nvm of $NVM_DIR decides about Node: $(nvm current)"
else
  . "$PREAMP_TOOLCHAIN/nvm.sh"
  if [[ ! -e $NVM_DIR/nvm.sh ]]; then
    mkdir -p "$NVM_DIR/alias" "$HOME/.preamp-shims"
    echo '. "$PREAMP_TOOLCHAIN/nvm.sh"' > "$NVM_DIR/nvm.sh"
    echo ${start} > "$NVM_DIR/alias/default"
    ln -sf "$PREAMP_TOOLCHAIN"/shims/* "$HOME/.preamp-shims/"
  fi
  __preamp_put ${quoteForShell(node.bin)}
  # A shell that is opened anew in the build begins as with nvm itself.
  if [[ $(< "$NVM_DIR/alias/default") != ${start} ]]; then nvm use --silent default; fi
fi
unset __preamp_nvm`
}
