/** Files that tell how to build and host a site, at the root of its repository or of what is published. */

/** In the order in which they count: the first that exists is the spec. */
export const buildSpecFiles = ['amplify.yml', 'amplify.yaml']
export const customHeadersFile = 'customHttp.yml'
export const customRulesFile = 'customRules.json'

const names = new Set([...buildSpecFiles, customHeadersFile, customRulesFile])

/** Whether a page that is open can have no use for the file. */
export function isHostingFile(path: string): boolean {
  return names.has(path)
}
