import { quoteForShell } from '../../model/shell-quote.ts'

/** Descriptor on which the shell is given the nonce and the commands, each ended by a NUL. */
export const commandDescriptor = 3

/**
 * What bash runs for a whole session. It says that it is ready, then takes one command after another and runs each at its
 * top level, so that `cd`, `export`, functions, options and traps persist. After each it writes a marker with the exit
 * status to both streams, by duplicates of its own, since a command may redirect the shell's (`exec > file`).
 *
 * The descriptors are moved out of the way of commands that use 3 to 9 themselves. They are not closed for each command:
 * bash keeps closed ones aside at 10 and up, where `exec 10> file` would overwrite them.
 * Our own steps run with stderr closed off, so that `set -x` does not show them. A step that fails, as all redirections do
 * after `set -r`, ends the loop and thereby the session, so that nobody waits for a marker in vain.
 */
export const sessionScript = [
  'exec 210<&3 3<&- 211>&1 212>&2',
  '; builtin mapfile -t -d "" -n 1 -u 210 __preamp_nonce',
  '; while {',
  ` builtin printf '\\1%s %d\\2' "$__preamp_nonce" "$?" >&211`,
  ` && builtin printf '\\1%s 0\\2' "$__preamp_nonce" >&212`,
  ' && builtin mapfile -t -d "" -n 1 -u 210 __preamp_command',
  ' && ((${#__preamp_command[@]}));',
  ' } 2>/dev/null; do',
  ' builtin eval "$__preamp_command";',
  ' done',
].join('')

/** A message to the shell: NUL ends it, so there can be none inside. Bash drops NUL characters from scripts as well. */
export function shellMessage(text: string): string {
  return `${text.replaceAll('\0', '')}\0`
}

/** The command that gives the shell its environment. Bash refuses to set a few of its own (`UID`), which is left at that. */
export function exportCommand(environment: Record<string, string>): string {
  return Object.entries(environment)
    .map(([name, value]) => `export ${name}=${quoteForShell(value)} 2>/dev/null`)
    .concat('true')
    .join('\n')
}

/**
 * The variables that only programs can have. Not those by which bash takes over functions, with which one could put itself in
 * the place of our own steps.
 */
export function variablesBeyondShell(environment: Record<string, string>): Record<string, string> {
  const beyond = Object.entries(environment).filter(
    ([name]) => !isShellName(name) && !name.startsWith('BASH_FUNC_'),
  )
  return Object.fromEntries(beyond)
}

/** Whether a shell can have a variable of this name. Others exist only in the environment of programs. */
export function isShellName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
}
