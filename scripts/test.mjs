// Builds, checks the house (imports) and runs every test file; arguments choose files by part of their name.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
build();

function testsUnder(directory) {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? testsUnder(join(directory, entry.name)) : [join(directory, entry.name)]))
    .filter((file) => file.endsWith(".test.js"))
    .filter((file) => {
      // tsc leaves the output of a deleted source behind; such a test no longer exists.
      const source = join(root, relative(join(root, "dist"), file)).replace(/\.js$/, ".ts");
      if (!existsSync(source)) rmSync(file);
      return existsSync(source);
    });
}

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const options = process.argv.slice(2).filter((argument) => argument.startsWith("-"));
if (wanted.length === 0) {
  const imports = spawnSync(process.execPath, [join(root, "scripts", "check-imports.mjs")], { stdio: "inherit" });
  if (imports.status !== 0) process.exit(imports.status ?? 1);
}
const files = testsUnder(join(root, "dist", "test")).filter((file) => wanted.length === 0 || wanted.some((part) => relative(root, file).includes(part)));
if (files.length === 0) {
  console.error(`spheresim: no test file matches ${wanted.join(", ")}`);
  process.exit(2);
}
// Tests of whole daemons wait more than they work: two at a time keep two cores busy.
const concurrency = Math.max(2, availableParallelism() - 1);
// Thousands of lines scroll by: this reporter says at the end which failed and why.
const reporter = options.some((option) => option.startsWith("--test-reporter")) ? [] : ["--test-reporter=spec"];
const runner = spawn(process.execPath, ["--enable-source-maps", "--test", `--test-concurrency=${concurrency}`, ...reporter, ...options, ...files.sort()], { stdio: "inherit", cwd: root });
runner.on("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
