const component = '[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*'
const host =
  '(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?|\\[[0-9a-fA-F:.]+\\](?::[0-9]{1,5})?)'
const referencePattern = new RegExp(
  `^(?:(?<host>${host})/)?${component}(?:/${component})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
)
const referenceCharactersMax = 512

/** Whether a text names an image as Docker's registries do: `[host[:port]/]path[:tag][@digest]`. */
export function isImageReference(text: string): boolean {
  if (text.length > referenceCharactersMax || !referencePattern.test(text)) return false
  // Newer engines take a first part in capitals for a host, older ones for a mistake.
  const [first = '', ...rest] = text.split('/')
  return rest.length === 0 || !/[A-Z]/.test(first) || /[.:]/.test(first)
}

/** Host of the registry that an image names, without port and brackets; undefined where the engine's own is meant. */
export function hostOfImage(reference: string): string | undefined {
  const first = reference.split('/')[0]!
  const names = reference.includes('/') && (/[.:]/.test(first) || first === 'localhost')
  return names ? first.replace(/:[0-9]+$/, '').replace(/^\[|\]$/g, '') : undefined
}
