import { folded } from "./folded.js";
import { widest } from "./widest.js";

const GAP = "   ";
const INDENT = "  ";
/** The last column is folded beside the others only if so many characters are left for it; else it stands below its row. */
const LEAST_FOLDED = 28;
/** No heading is stacked to be narrower than this. */
const LEAST_STACKED = 10;

type Cells = readonly string[];

/**
 * A table as kubectl prints one: upper-case headings, columns parted by three blanks, nothing behind the last. On a terminal of so many
 * columns none of its lines is longer, unless a first cell or a single word is. What does not fit is never left out: headings are stacked, the last column is folded, or the
 * columns that are left over stand below their row, with their headings where there are several.
 *
 * Worked example, 44 columns, and the same in 30:
 *
 *     HOST      VERDICT     WHY                      HOST      VERDICT
 *     esxi-01   ruled out   The host esxi-01 is in     WHY
 *                           maintenance mode.        esxi-01   ruled out
 *                                                      The host esxi-01 is in
 *                                                      maintenance mode.
 */
export function table(headings: Cells, rows: readonly Cells[], columns?: number): string {
  const titles = headings.map((heading) => heading.toUpperCase());
  const full = rows.map((row) => headings.map((_, column) => row[column] ?? ""));
  const whole = [titles, ...full];
  if (columns === undefined || width(whole) <= columns) return drawn(whole);
  const above = stacked(titles, full);
  const all = [...above, ...full];
  if (width(all) <= columns) return drawn(all);
  const last = headings.length - 1;
  if (columns - width(upTo(all, last)) - GAP.length >= Math.max(LEAST_FOLDED, longestWord(full.map((cells) => cells[last] ?? "")))) return lastFolded(all, last, columns);
  return leftOverBelow(headings, above, full, columns);
}

/** What the cells of a row that found no room beside it say: `cores: 16; labels: rack=b`. */
export function labelled(headings: Cells, cells: Cells): string {
  return cells.flatMap((cell, column) => (cell === "" ? [] : [`${headings[column] ?? ""}: ${cell}`])).join("; ");
}

/** How many of these columns fit beside each other. */
export function columnsThatFit(widths: readonly number[], columns: number): number {
  let sum = -GAP.length;
  const over = widths.findIndex((each) => (sum += each + GAP.length) > columns);
  return over === -1 ? widths.length : over;
}

function widthsOf(lines: readonly Cells[]): number[] {
  return (lines[0] ?? []).map((_, column) => widest(lines.map((cells) => cells[column] ?? "")));
}

function width(lines: readonly Cells[]): number {
  return widthsOf(lines).reduce((sum, each) => sum + each + GAP.length, -GAP.length);
}

function drawn(lines: readonly Cells[], widths = widthsOf(lines)): string {
  return lines.map((cells) => `${aligned(cells, widths)}\n`).join("");
}

function aligned(cells: Cells, widths: readonly number[]): string {
  return cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(GAP).trimEnd();
}

function upTo(lines: readonly Cells[], end: number): Cells[] {
  return lines.map((cells) => cells.slice(0, end));
}

/** Headings no wider than they must be, their words on as many lines as it takes. */
function stacked(titles: Cells, rows: readonly Cells[]): Cells[] {
  const stacks = titles.map((title, column) => {
    const least = Math.max(longestWord([title]), Math.min(title.length, LEAST_STACKED), widest(rows.map((row) => row[column] ?? "")));
    return folded(title, least).trimEnd().split("\n");
  });
  const height = Math.max(...stacks.map((stack) => stack.length));
  return Array.from({ length: height }, (_, line) => stacks.map((stack) => stack[line - height + stack.length] ?? ""));
}

function longestWord(texts: Cells): number {
  return widest(texts.flatMap((text) => text.split(" ")));
}

function lastFolded(lines: readonly Cells[], last: number, columns: number): string {
  const before = upTo(lines, last);
  const widths = widthsOf(before);
  const start = width(before) + GAP.length;
  return lines.map((cells, at) => trimmed(folded(cells[last] ?? "", columns, aligned(before[at] ?? [], widths).padEnd(start), " ".repeat(start)))).join("");
}

function leftOverBelow(headings: Cells, above: readonly Cells[], rows: readonly Cells[], columns: number): string {
  const all = [...above, ...rows];
  const kept = Math.max(1, Math.min(headings.length - 1, columnsThatFit(widthsOf(all), columns)));
  const widths = widthsOf(upTo(all, kept));
  const isOne = kept === headings.length - 1;
  const below = (text: string): string => (text === "" ? "" : folded(text, columns, INDENT));
  const top = drawn(upTo(above, kept).filter((cells) => cells.some((each) => each !== "")), widths) + (isOne ? below((headings[kept] ?? "").toUpperCase()) : "");
  return top + rows.map((row) => `${aligned(row.slice(0, kept), widths)}\n${below(isOne ? (row[kept] ?? "") : labelled(headings.slice(kept), row.slice(kept)))}`).join("");
}

function trimmed(lines: string): string {
  return lines.replaceAll(/ +$/gm, "");
}
