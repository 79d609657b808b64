import { bar, legend, type Use } from "./bar.js";
import { folded } from "./folded.js";
import type { Screen } from "./screen.js";
import { columnsThatFit, labelled, table } from "./table.js";
import { widest } from "./widest.js";

/** A figure of CPU, MHz, and of memory, MB. Absent is not known. */
export type Figure = readonly [cpuMhz: number | undefined, memoryMb: number | undefined];

/** An object with figures of CPU and memory. */
export interface FigureRow {
  readonly name: string;
  /** How deep it lies in a tree: names are indented by it. */
  readonly depth?: number;
  /** What a person should know beside the figures; one cell for each of `about`. */
  readonly about: readonly string[];
  /** The same in short, below the name on a terminal; the cells of `about` when absent. */
  readonly note?: string;
  /** One for each of `figures`. */
  readonly figures: readonly Figure[];
  /** Bars of CPU and of memory. */
  readonly bars?: readonly [cpu: Use, memory: Use];
  /** One cell for each of `more`. */
  readonly more: readonly string[];
}

/** The columns of a table of figures. */
export interface FigureColumns {
  readonly name: string;
  readonly about: readonly string[];
  readonly figures: readonly string[];
  /** Columns of `-o wide` alone. */
  readonly more: readonly string[];
}

const gap = "   ";
const indent = "  ";
const mostBarCells = 30;
/** A bar need not be longer than this; with `-o wide` it is not, for the columns behind it. */
const goodBarCells = 10;
/** A shorter bar says nothing. */
const leastBarCells = 4;
const mostNameCells = 40;
/** A longer name stands in a line of its own rather than take the room of a bar. */
const fairNameCells = 22;
const leastNameCells = 8;

/**
 * Objects with figures of CPU and memory. On a terminal each takes two lines, MHz above MB, with a bar as wide as there is room; in a file
 * or pipe each takes one, with plain figures.
 */
export function figureTable(columns: FigureColumns, rows: readonly FigureRow[], { wide, screen }: { readonly wide: boolean; readonly screen: Screen }): string {
  return screen.columns === undefined ? plainTable(columns, rows, wide) : twoLineTable(columns, rows, wide, screen.columns, screen.unicode);
}

function plainTable(columns: FigureColumns, rows: readonly FigureRow[], wide: boolean, screenColumns?: number): string {
  const units = (unit: string): string[] => columns.figures.map((each) => `${each} ${unit}`);
  return table(
    [columns.name, ...columns.about, ...units("MHz"), ...units("MB"), ...(wide ? columns.more : [])],
    rows.map((row) => [startOf(row) + row.name, ...row.about.map(known), ...row.figures.map(([cpu]) => text(cpu)), ...row.figures.map(([, memory]) => text(memory)), ...(wide ? row.more.map(known) : [])]),
    screenColumns,
  );
}

/** An empty cell in the middle of a line would be read as the next one. */
function known(cell: string): string {
  return cell === "" ? "-" : cell;
}

function text(figure: number | undefined): string {
  return figure === undefined ? "-" : String(figure);
}

/**
 * Worked example, 80 columns:
 *
 *     HOST                                    RESERVED   ENTITLED   ACTIVE          OF
 *     esxi-01.spheresim.test   [┃·········]       2600       4100     3000   41600 MHz
 *       connected, 2 on        [████┃·····]      24576      30000     8000    65536 MB
 *
 * What does not fit is never cut: a name or note that is too long has a line of its own, and columns of `-o wide` that find no room stand
 * below with their headings. A terminal too narrow for the figures themselves has a table as any other.
 */
function twoLineTable(columns: FigureColumns, rows: readonly FigureRow[], wide: boolean, screenColumns: number, unicode: boolean): string {
  const figures = columns.figures.map((title, column) => ({ title, width: widest([title, ...rows.flatMap((row) => [cell(row, column, 0), cell(row, column, 1)])]) }));
  const taken = figures.reduce((sum, { width }) => sum + gap.length + width, 0);
  if (leastNameCells + taken > screenColumns) return plainTable(columns, rows, wide, screenColumns);
  const { nameCells, barCells } = layout(columns, rows, taken, wide, screenColumns);
  const left = screenColumns - nameCells - (barCells === 0 ? 0 : gap.length + 2 + barCells) - taken - gap.length;
  const moreWidths = columns.more.map((title, column) => widest([title, ...rows.map((row) => row.more[column] ?? "")]));
  const beside = wide ? columnsThatFit(moreWidths, left) : 0;
  const line = (name: string, drawn: string, cells: readonly string[], more: readonly string[]): string =>
    [name.padEnd(nameCells), ...(barCells === 0 ? [] : [drawn.padEnd(barCells + 2)]), ...cells.map((each, column) => each.padStart(figures[column]?.width ?? 0)), ...more.slice(0, beside).map((each, column) => each.padEnd(moreWidths[column] ?? 0))].join(gap).trimEnd();
  const lines = [line(columns.name.toUpperCase(), "", columns.figures.map((each) => each.toUpperCase()), columns.more.map((each) => each.toUpperCase()))];
  for (const row of rows) {
    const draw = (use: Use | undefined): string => (use === undefined || barCells === 0 ? "" : bar(use, barCells, unicode));
    const [name, note] = [startOf(row) + row.name, startOf(row) + indent + noteOf(row)];
    if (name.length > nameCells) lines.push(...linesOf(row.name, screenColumns, startOf(row)));
    lines.push(line(name.length > nameCells ? "" : name, draw(row.bars?.[0]), figures.map((_, column) => cell(row, column, 0)), row.more));
    lines.push(line(note.length > nameCells ? "" : note, draw(row.bars?.[1]), figures.map((_, column) => cell(row, column, 1)), []));
    if (note.length > nameCells) lines.push(...linesOf(noteOf(row), screenColumns, startOf(row) + indent));
    const below = wide ? labelled(columns.more.slice(beside), row.more.slice(beside)) : "";
    if (below !== "") lines.push(...linesOf(below, screenColumns, startOf(row) + indent + indent));
  }
  if (barCells > 0) lines.push("", legend(unicode));
  return lines.map((each) => `${each}\n`).join("");
}

/** How wide names and notes, and bars, are beside figures of a width. */
function layout(columns: FigureColumns, rows: readonly FigureRow[], taken: number, wide: boolean, screenColumns: number): { readonly nameCells: number; readonly barCells: number } {
  const longestName = Math.max(leastNameCells, widest([columns.name, ...rows.map((row) => startOf(row) + row.name)]));
  const wanted = Math.max(longestName, widest(rows.map((row) => startOf(row) + indent + noteOf(row))));
  const roomBeside = (cells: number): number => screenColumns - taken - Math.min(cells, mostNameCells) - gap.length - 2;
  // Of a bar that is long enough names and notes may take from what is left, of a shorter one only names that are not long may.
  const barRoom = Math.max(roomBeside(wanted), Math.min(goodBarCells, roomBeside(Math.min(longestName, fairNameCells))));
  const hasBars = rows.some((row) => row.bars !== undefined) && barRoom >= leastBarCells;
  const barCells = hasBars ? Math.min(wide ? goodBarCells : mostBarCells, barRoom) : 0;
  return { nameCells: Math.max(leastNameCells, Math.min(wanted, screenColumns - taken - (hasBars ? gap.length + 2 + barCells : 0))), barCells };
}

function startOf({ depth = 0 }: FigureRow): string {
  return indent.repeat(depth);
}

function noteOf(row: FigureRow): string {
  return row.note ?? row.about.filter((each) => each !== "").join(", ");
}

function linesOf(text: string, columns: number, start: string): string[] {
  return folded(text, columns, start).trimEnd().split("\n");
}

/** A figure with its unit in the last column, which says of what the line is. */
function cell(row: FigureRow, column: number, of: 0 | 1): string {
  const figure = text(row.figures[column]?.[of]);
  return column === row.figures.length - 1 ? `${figure} ${of === 0 ? "MHz" : "MB"}` : figure;
}
