import { bar, legend, type Use } from "./bar.js";
import type { Screen } from "./screen.js";
import { table } from "./table.js";

/** A figure of CPU, MHz, and of memory, MB. Absent is not known. */
export type Figure = readonly [cpuMhz: number | undefined, memoryMb: number | undefined];

/** An object with figures of CPU and memory. */
export interface FigureRow {
  readonly name: string;
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
const mostBarCells = 30;
/** A bar need not be longer than this; with `-o wide` it is not, for the columns behind it. */
const goodBarCells = 10;
/** A shorter bar says nothing. */
const leastBarCells = 4;
const mostNameCells = 40;
const leastNameCells = 8;

/**
 * Objects with figures of CPU and memory. On a terminal each takes two lines, MHz above MB, with a bar as wide as there is room; in a file
 * or pipe each takes one, with plain figures.
 */
export function figureTable(columns: FigureColumns, rows: readonly FigureRow[], { wide, screen }: { readonly wide: boolean; readonly screen: Screen }): string {
  return screen.columns === undefined ? plainTable(columns, rows, wide) : twoLineTable(columns, rows, wide, screen.columns, screen.unicode);
}

function plainTable(columns: FigureColumns, rows: readonly FigureRow[], wide: boolean): string {
  const units = (unit: string): string[] => columns.figures.map((each) => `${each} ${unit}`);
  return table(
    [columns.name, ...columns.about, ...units("MHz"), ...units("MB"), ...(wide ? columns.more : [])],
    rows.map((row) => [row.name, ...row.about.map(known), ...row.figures.map(([cpu]) => text(cpu)), ...row.figures.map(([, memory]) => text(memory)), ...(wide ? row.more.map(known) : [])]),
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
 */
function twoLineTable(columns: FigureColumns, rows: readonly FigureRow[], wide: boolean, screenColumns: number, unicode: boolean): string {
  const notes = rows.map((row) => `  ${row.note ?? row.about.filter((each) => each !== "").join(", ")}`);
  const figures = columns.figures.map((title, column) => ({ title, width: Math.max(title.length, ...rows.flatMap((row) => [cell(row, column, 0), cell(row, column, 1)]).map((each) => each.length)) }));
  const taken = figures.reduce((sum, { width }) => sum + gap.length + width, 0);
  const longestName = Math.max(leastNameCells, columns.name.length, ...rows.map((row) => row.name.length));
  const wanted = Math.max(longestName, ...notes.map((note) => note.length));
  const roomBeside = (nameCells: number): number => screenColumns - taken - Math.min(nameCells, mostNameCells) - gap.length - 2;
  // Of a bar that is long enough the notes may take from what is left, of a shorter one only names may.
  const barRoom = Math.max(roomBeside(wanted), Math.min(goodBarCells, roomBeside(longestName)));
  const hasBars = rows.some((row) => row.bars !== undefined) && barRoom >= leastBarCells;
  const barCells = hasBars ? Math.min(wide ? goodBarCells : mostBarCells, barRoom) : 0;
  const nameCells = Math.max(leastNameCells, Math.min(wanted, screenColumns - taken - (hasBars ? gap.length + 2 + barCells : 0)));
  const line = (name: string, drawn: string, cells: readonly string[], more: readonly string[]): string =>
    [cut(name, nameCells).padEnd(nameCells), ...(barCells === 0 ? [] : [drawn.padEnd(barCells + 2)]), ...cells.map((each, column) => each.padStart(figures[column]?.width ?? 0)), ...(wide ? more : [])].join(gap).trimEnd();
  const moreWidths = columns.more.map((title, column) => Math.max(title.length, ...rows.map((row) => (row.more[column] ?? "").length)));
  const lines = [line(columns.name.toUpperCase(), "", columns.figures.map((each) => each.toUpperCase()), columns.more.map((each, column) => each.toUpperCase().padEnd(moreWidths[column] ?? 0)))];
  rows.forEach((row, index) => {
    const draw = (use: Use | undefined): string => (use === undefined || barCells === 0 ? "" : bar(use, barCells, unicode));
    lines.push(line(row.name, draw(row.bars?.[0]), figures.map((_, column) => cell(row, column, 0)), row.more.map((each, column) => each.padEnd(moreWidths[column] ?? 0))));
    lines.push(line(notes[index] ?? "", draw(row.bars?.[1]), figures.map((_, column) => cell(row, column, 1)), []));
  });
  if (barCells > 0) lines.push("", legend(unicode));
  return lines.map((each) => `${each}\n`).join("");
}

/** A figure with its unit in the last column, which says of what the line is. */
function cell(row: FigureRow, column: number, of: 0 | 1): string {
  const figure = text(row.figures[column]?.[of]);
  return column === row.figures.length - 1 ? `${figure} ${of === 0 ? "MHz" : "MB"}` : figure;
}

function cut(name: string, cells: number): string {
  return name.length <= cells ? name : `${name.slice(0, cells - 1)}…`;
}
