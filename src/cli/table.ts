/** Prints rows in columns as wide as their longest cell. */
export function printTable(header: string[], lines: string[][]): void {
  const rows = [header, ...lines]
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
