import { scaleLinear, type ScaleLinear } from "d3-scale";
import { line } from "d3-shape";
import type { Resource } from "../../../src/vcenter/drs/amount.js";
import { type SetFigures, unservedPart } from "./quality-figures.js";

const WIDTH = 960;
const HEIGHT = 420;
/** Edges of both panels; each is as wide as the other. */
const [TOP, BOTTOM, PANEL_WIDTH] = [88, 358, 380];
const PANELS: readonly { readonly resource: Resource; readonly title: string; readonly left: number }[] = [
  { resource: "cpuMhz", title: "CPU", left: 56 },
  { resource: "memoryMb", title: "Memory", left: 536 },
];
/** Told apart by the colour-blind, too (Okabe and Ito). */
const COLOURS = ["#999999", "#d55e00", "#0072b2", "#009e73"];
const LEGEND_STEP = 170;

/** Unserved demand of a set hour by hour, a line for each placer, CPU and memory side by side. SVG. */
export function qualityPlot(set: SetFigures): string {
  return [
    `<svg width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12" fill="#54555a">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(WIDTH / 2, 22, `Demand left unserved, % (${set.set}, seed ${set.seed})`, 'font-size="15" font-weight="bold"'),
    ...legend(set.placers.map(({ placer }) => placer)),
    ...PANELS.flatMap((panel) => panelOf(set, panel)),
    "</svg>\n",
  ].join("\n");
}

function legend(placers: readonly string[]): string[] {
  const left = (WIDTH - placers.length * LEGEND_STEP) / 2 + 20;
  return placers.flatMap((placer, index) => {
    const x = left + index * LEGEND_STEP;
    return [`<path d="M${x},44H${x + 24}" stroke="${COLOURS[index]}" stroke-width="2"/>`, text(x + 32, 48, placer, 'text-anchor="start"')];
  });
}

function panelOf({ placers }: SetFigures, { resource, title, left }: (typeof PANELS)[number]): string[] {
  const lines = placers.map(({ hours }) => hours.map((hour): [hour: number, percent: number] => [hour.fromS / 3600 + 0.5, 100 * unservedPart(hour, resource)]));
  const most = Math.max(0, ...lines.flat().map(([, percent]) => percent));
  const x = scaleLinear([0, 24], [left, left + PANEL_WIDTH]);
  // A panel without any shortage still has an axis.
  const y = scaleLinear([0, most === 0 ? 1 : most], [BOTTOM, TOP]).nice(6);
  const path = line<[hour: number, percent: number]>((point) => x(point[0]), (point) => y(point[1])).digits(2);
  return [
    text(left + PANEL_WIDTH / 2, 76, title, 'font-size="13"'),
    ...grid(x, y, left),
    text(left + PANEL_WIDTH / 2, BOTTOM + 36, "hour of the day"),
    ...lines.map((points, index) => `<path d="${path(points) ?? ""}" fill="none" stroke="${COLOURS[index]}" stroke-width="2" stroke-linejoin="round"/>`),
  ];
}

function grid(x: ScaleLinear<number, number>, y: ScaleLinear<number, number>, left: number): string[] {
  const across = y.ticks(6).flatMap((percent) => [`<path d="M${left},${y(percent).toFixed(1)}h${PANEL_WIDTH}" stroke="${percent === 0 ? "#54555a" : "#dbdee4"}"/>`, text(left - 8, y(percent) + 4, String(percent), 'text-anchor="end"')]);
  const up = [0, 6, 12, 18, 24].flatMap((hour) => [`<path d="M${x(hour)},${TOP}V${BOTTOM}" stroke="#dbdee4"/>`, text(x(hour), BOTTOM + 16, String(hour))]);
  return [...up, ...across];
}

function text(x: number, y: number, words: string, attributes = ""): string {
  const anchor = attributes.includes("text-anchor") ? "" : ' text-anchor="middle"';
  return `<text x="${x}" y="${y.toFixed(1)}"${anchor}${attributes === "" ? "" : ` ${attributes}`}>${words}</text>`;
}
