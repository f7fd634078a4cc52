import semver from 'semver'

/** The version of the Node that builds find on their PATH; undefined where there is none, or none with an npm. */
export async function findHostNode(path: string): Promise<string | undefined> {
  const [node, npm] = [Bun.which('node', { PATH: path }), Bun.which('npm', { PATH: path })]
  if (node === null || npm === null) return undefined
  const child = Bun.spawn([node, '--version'], {
    env: { PATH: path },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 10_000,
  })
  const version = semver.valid((await child.stdout.text()).trim())
  return (await child.exited) === 0 && version !== null ? version : undefined
}
