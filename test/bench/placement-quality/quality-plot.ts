import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Resource } from "../../../src/vcenter/drs/amount.js";
import { type SetFigures, unservedPart } from "./quality-figures.js";

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH = 960;
const HEIGHT = 420;
const PANELS: readonly { readonly resource: Resource; readonly title: string; readonly left: number }[] = [
  { resource: "cpuMhz", title: "CPU", left: 56 },
  { resource: "memoryMb", title: "Memory", left: 536 },
];
/** Told apart by the colour-blind, too (Okabe and Ito). */
const COLOURS = ["#999999", "#d55e00", "#0072b2", "#009e73"];

/** Unserved demand of a set hour by hour, a line for each placer, CPU and memory side by side. SVG. */
export function qualityPlot(set: SetFigures): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: COLOURS,
    title: [
      { text: `Demand left unserved, % (${set.set}, seed ${set.seed})`, left: "center", top: 6, textStyle: { fontSize: 15 } },
      ...PANELS.map(({ title, left }) => ({ text: title, left: left + 170, top: 62, textStyle: { fontSize: 13, fontWeight: "normal" as const } })),
    ],
    legend: { data: set.placers.map(({ placer }) => placer), top: 34, itemGap: 24 },
    grid: PANELS.map(({ left }) => ({ left, top: 88, width: 380, height: 270 })),
    xAxis: PANELS.map((_, gridIndex) => ({ gridIndex, type: "value" as const, name: "hour of the day", nameLocation: "middle" as const, nameGap: 28, min: 0, max: 24, interval: 6 })),
    yAxis: PANELS.map((_, gridIndex) => ({ gridIndex, type: "value" as const, min: 0 })),
    series: PANELS.flatMap(({ resource }, panel) =>
      set.placers.map(({ placer, hours }) => ({
        type: "line" as const,
        name: placer,
        xAxisIndex: panel,
        yAxisIndex: panel,
        showSymbol: false,
        lineStyle: { width: 2 },
        data: hours.map((hour) => [hour.fromS / 3600 + 0.5, Number((100 * unservedPart(hour, resource)).toFixed(3))]),
      })),
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
