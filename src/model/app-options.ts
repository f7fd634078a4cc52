/** What Preamp lets one choose for an app beyond AWS's settings (`/_preamp/apps/{appId}/options`, `preamp options`). */
export interface AppOptions {
  /** Whether the commands of builds reach the network. */
  network: boolean
  /** Whether a push stops the job that still builds an older commit of its branch. */
  cancelSuperseded: boolean
}

export const appOptionDefaults: AppOptions = {
  network: true,
  cancelSuperseded: false,
}

/** The app's options, with the defaults of those that were not set. */
export function appOptionsOf(app: { options: Partial<AppOptions> }): AppOptions {
  return { ...appOptionDefaults, ...app.options }
}
