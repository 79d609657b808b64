// Entry of `npm run bench`: measures, prints a table or JSON on standard output, progress on standard error.
import { mkdirSync, writeFileSync } from "node:fs";
import { type Figures, measure } from "./figures.js";
import { type BenchOptions, readBenchOptions, usage } from "./options.js";
import { reportText } from "./report.js";

async function main(words: readonly string[]): Promise<void> {
  if (words.includes("--help")) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const options = readOrExplain(words);
  if (options === undefined) return;
  if (options.cpuProfile !== undefined) mkdirSync(options.cpuProfile, { recursive: true });
  const figures = await measure(options, (line) => process.stderr.write(`bench: ${line}\n`));
  print(options, figures);
}

function readOrExplain(words: readonly string[]): BenchOptions | undefined {
  try {
    return readBenchOptions(words);
  } catch (error) {
    process.stderr.write(`spheresim bench: ${(error as Error).message}\n${usage}\n`);
    process.exitCode = 2;
    return undefined;
  }
}

function print({ json }: BenchOptions, figures: Figures): void {
  const text = `${JSON.stringify(figures, undefined, 2)}\n`;
  if (typeof json === "string") writeFileSync(json, text);
  process.stdout.write(json === true ? text : reportText(figures));
}

await main(process.argv.slice(2));
