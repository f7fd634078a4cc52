/** Shorter ones would blot out common words. */
export const secretCharactersMin = 4
/** Of one line of a secret by itself: `-----BEGIN…` and keys are longer, braces and common words are not. */
const lineCharactersMin = 8
/** Of a secret of several lines that is also looked for as a whole in JSON and addresses. */
const wholeCharactersMax = 512
/** Of what is sure in the base64 of a secret: shorter ones stand in many hashes. */
const base64CharactersMin = 6

/**
 * The texts in which a secret may stand in a log: as it is, each of its lines that is long enough, and as JSON, shells,
 * URLs and base64 carry it.
 * @returns without what breaks lines and other control characters, which the mask passes over
 */
export function secretForms(secret: string): string[] {
  if (secret.length < secretCharactersMin) return []
  const lines = secret.split(/[\r\n]+/).filter((line) => line.length >= lineCharactersMin)
  // The lines of a long one are looked for by themselves, however they are carried together.
  const texts =
    lines.length > 1 && secret.length > wholeCharactersMax ? lines : [secret, secret.trim(), ...lines]
  const forms = texts.flatMap(writtenForms)
  const plain = [...forms, ...base64Forms(secret)].map(withoutControls)
  return [...new Set(plain)].filter((form) => form.length >= secretCharactersMin)
}

/** What neither ends nor changes a secret where it stands in its middle: controls but for the tab. */
export function isControl(code: number): boolean {
  return (code < 32 && code !== 9) || code === 127
}

function withoutControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => (isControl(character.charCodeAt(0)) ? '' : character))
}

function writtenForms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const ascii = json.replace(/[\u0080-\uffff]/g, unicodeEscape)
  return [
    text,
    json,
    ascii,
    json.replaceAll('/', '\\/'),
    // JSON in JSON, as when the variable `secrets` is printed with the whole environment.
    JSON.stringify(json).slice(1, -1),
    // As bash shows words with `set -x`, and variables with `export -p`.
    text.replaceAll("'", "'\\''"),
    text.replace(/["$`\\]/g, '\\$&'),
    ...percentForms(text),
  ]
}

const unicodeEscape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** As addresses and forms carry it, with digits in both cases, and with or without what may stand as it is. */
function percentForms(text: string): string[] {
  const usual = encodeURIComponent(text.toWellFormed())
  const escapedToo = (marks: RegExp) =>
    usual.replace(marks, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  const upper = [usual, escapedToo(/[!'()~]/g), escapedToo(/[!'()*]/g), escapedToo(/[!'()*~]/g)]
  return [...upper, ...upper.map((form) => form.replaceAll('%20', '+'))].flatMap((form) => [
    form,
    form.replace(/%../g, (code) => code.toLowerCase()),
  ])
}

/**
 * A secret that stands somewhere in what was encoded: three texts, by where in a group of three bytes it begins, without
 * the characters at both ends that its neighbours change. The padding of the first is its own.
 */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const inner = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
  })
  const sure = inner.filter((form) => form.length >= base64CharactersMin)
  const whole = bytes.toString('base64')
  return [whole, whole.replace(/=+$/, ''), ...sure].flatMap((form) => [
    form,
    form.replaceAll('+', '-').replaceAll('/', '_'),
  ])
}
