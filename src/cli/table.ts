import { plainText } from '../model/plain-text.ts'

/** Prints rows in columns as wide as their longest cell. What users wrote stays on its line. */
export function printTable(header: string[], lines: string[][]): void {
  const rows = [header, ...lines.map((line) => line.map((cell) => plainText(cell).replace(/\s+/g, ' ')))]
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  }
}
