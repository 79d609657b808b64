// Holds src to the import table in .dependency-cruiser.mjs. `--root DIR` checks another tree of the same shape.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cruise } from "dependency-cruiser";
import extractTSConfig from "dependency-cruiser/config-utl/extract-ts-config";
import config, { places } from "../.dependency-cruiser.mjs";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const rootFlag = process.argv.indexOf("--root");
const root = rootFlag < 0 ? here : resolve(process.argv[rootFlag + 1]);

function sourcesUnder(directory) {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return sourcesUnder(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

function fail(lines) {
  for (const line of lines) console.error(line);
  process.exit(1);
}

if (!existsSync(join(root, "src"))) fail([`imports: there is no ${join(root, "src")}`]);
const sources = sourcesUnder("src");
const strays = sources.filter((path) => !places.includes(path.split("/")[1]));
if (strays.length > 0) fail([`imports: these files lie in none of the places of the house plan (${places.join(", ")}):`, ...strays.map((path) => `  ${path}`)]);

process.chdir(root);
const tsConfig = extractTSConfig(join(here, "tsconfig.json"));
const result = await cruise(["src"], { ...config.options, ruleSet: { forbidden: config.forbidden }, validate: true, baseDir: root, tsConfig: { fileName: join(here, "tsconfig.json") } }, {}, { tsConfig });
const { modules, summary } = result.output;

// A checker that quietly looked at half the files would be worse than none.
const seen = new Set(modules.map((module) => module.source));
const missed = sources.filter((path) => !seen.has(path));
if (missed.length > 0) fail([`imports: ${missed.length} of ${sources.length} files were not looked at:`, ...missed.slice(0, 20).map((path) => `  ${path}`)]);

const violations = summary.violations.filter((violation) => violation.rule.severity === "error");
if (violations.length > 0) {
  const comments = new Map(config.forbidden.map((rule) => [rule.name, rule.comment]));
  fail([
    `imports: ${violations.length} break the table of the house plan:`,
    ...violations.map((violation) => {
      const path = violation.cycle ? violation.cycle.map((step) => step.name ?? step).join(" -> ") : violation.to;
      return `  ${violation.from} -> ${path}\n    ${violation.rule.name}: ${comments.get(violation.rule.name)}`;
    }),
  ]);
}
const imports = modules.filter((module) => seen.has(module.source)).reduce((count, module) => count + module.dependencies.length, 0);
console.log(`imports: ${sources.length} files, ${imports} imports, all as the house plan allows`);
