import { settings } from '../src/config.ts'
import { flagOf } from '../src/config/flags.ts'

/** `bun run scripts/print-configuration.ts` writes docs/configuration.md; a test fails when it is not up to date. */
export const configurationFile = new URL('../docs/configuration.md', import.meta.url).pathname

export async function configurationDocument(): Promise<string> {
  const rows = (Object.keys(settings) as (keyof typeof settings)[]).map((name) => {
    const { variable, default: defaultText, description } = settings[name]
    const flag = flagOf(name)
    return `| \`${variable}\` | ${flag ? `\`${flag}\`` : '–'} | ${escapeCell(defaultText)} | ${escapeCell(description)} |`
  })
  return await format(`# Configuration

Printed from \`src/config.ts\` by \`npx bun run scripts/print-configuration.ts\`. Do not edit it by hand.

A flag goes before its environment variable, which goes before the default. An empty variable counts as not set. What holds a
secret has no flag: every user of a machine can read the arguments of a process. A value that does not fit ends the start with
a message that names the setting.

| variable | flag | default | what it does |
| --- | --- | --- | --- |
${rows.join('\n')}

The data directory holds:

| file or folder | what it is |
| --- | --- |
| \`preamp.db\` | the database, unless \`PREAMP_DATABASE_URL\` names another |
| \`blobs/\` | the bytes of all deployments, logs and artifacts, each named by its SHA-256 |
| \`work/\` | one folder for each job at work, removed afterwards |
| \`access-logs/\` | who visited which site, one folder for each hour; not part of a backup |
| \`credentials\` | the first access key, in the form of AWS's credentials file, mode 0600 |
| \`master.key\` | encrypts stored secrets and signs upload and log URLs, mode 0600. Without it a backup cannot be used |
| \`edges.json\` | the processes that serve the sites, so that a server that starts after a crash finds them |
| \`server.json\` | addresses and process id of the running server, for our own commands |
| \`lock\` | held by the running server |
`)
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

/** Through the project's formatter, so that this and `npm run check` agree. */
async function format(text: string): Promise<string> {
  const child = Bun.spawn([process.execPath, 'fmt', '--no-script', '--stdin-filepath', 'configuration.md'], {
    stdin: Buffer.from(text),
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const output = await child.stdout.text()
  if ((await child.exited) !== 0) throw new Error('bun fmt failed')
  return output
}

if (import.meta.main) await Bun.write(configurationFile, await configurationDocument())
