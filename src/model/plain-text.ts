/**
 * Text of a user's as it may be printed in a terminal: without control characters, with which it could move the cursor, set
 * titles or write to the clipboard of who reads it. Line breaks and tabs stay.
 */
export function plainText(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '')
}
