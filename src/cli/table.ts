/** A table as kubectl prints one: upper-case headings, columns parted by three blanks, nothing behind the last. */
export function table(headings: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const all = [headings.map((heading) => heading.toUpperCase()), ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join("   ").trimEnd()).join("\n") + "\n";
}
