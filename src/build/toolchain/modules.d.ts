declare module '@pnpm/npm-conf' {
  /** What npm would be configured with here: environment, the .npmrc of the folder, of the user and of the machine. */
  export default function npmConf(): { config: { readonly snapshot: Record<string, unknown> } }
}

declare module '*.sh' {
  const text: string
  export default text
}
