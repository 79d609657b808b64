import { table } from "./table.js";

/** The last column of a table is folded only if so many characters are left for it; else each row becomes a paragraph. */
const LEAST_FOLDED = 28;
const INDENT = "  ";
/** Columns whose cells say themselves what they are. */
const NAMELESS: ReadonlySet<string> = new Set(["why"]);

/** Text in lines of at most so many characters, broken at blanks; a longer word stands alone. The first line begins with `first`, all others with `next`. */
export function folded(text: string, columns: number | undefined, first = "", next = first): string {
  if (columns === undefined || first.length + text.length <= columns) return `${first}${text}\n`;
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = next;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].map((each) => `${each.trimEnd()}\n`).join("");
}

/**
 * A table no wider than the terminal: as it is where it fits, or where nobody reads it on one; else with its last column folded; else a
 * paragraph for each row.
 *
 * Worked example, 44 columns:
 *
 *     HOST      VERDICT     WHY
 *     esxi-01   ruled out   The host esxi-01 is in
 *                           maintenance mode.
 */
export function fittedTable(headings: readonly string[], rows: ReadonlyArray<readonly string[]>, columns: number | undefined): string {
  const plain = table(headings, rows);
  if (columns === undefined || plain.split("\n").every((line) => line.length <= columns)) return plain;
  const last = headings.length - 1;
  const before = table([...headings.slice(0, last), "|"], rows.map((row) => [...headings.slice(0, last).map((_, column) => row[column] ?? ""), "|"])).trimEnd().split("\n").map((line) => line.slice(0, -1));
  const width = before[0]?.length ?? 0;
  if (columns - width >= LEAST_FOLDED) {
    return before.map((start, index) => folded(index === 0 ? (headings[last] ?? "").toUpperCase() : (rows[index - 1]?.[last] ?? ""), columns, start, " ".repeat(width))).map((each) => each.replace(/ +$/gm, "")).join("");
  }
  return rows.map((row) => folded(paragraph(headings, row), columns, "", INDENT)).join("");
}

/** `esxi-01: chosen; score 81.2; cpu use then 4000 MHz`. */
function paragraph(headings: readonly string[], [name = "", verdict = "", ...others]: readonly string[]): string {
  const rest = others.flatMap((cell, index) => (cell === "" ? [] : [[NAMELESS.has(headings[index + 2] ?? "") ? "" : (headings[index + 2] ?? ""), cell].join(" ").trim()]));
  return `${name}: ${[verdict, ...rest].join("; ")}`;
}
