// Brings node_modules, src/gen and dist up to date with their sources; does nothing where they are.
// Each stage is skipped while a stamp of its inputs is unchanged, so it is cheap to call before every command.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { requireNode } from "./require-node.mjs";
import { strictDecoders } from "./strict-decoders.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamps = join(root, "node_modules", ".cache", "spheresim");

function filesUnder(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? filesUnder(join(directory, entry.name)) : [join(directory, entry.name)]))
    .sort();
}

function fingerprint(files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(file.slice(root.length)).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}

function run(command, args, what) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8", env: { ...process.env, PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}` } });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
  console.error(`spheresim: ${what} failed (${result.error?.message ?? `exit ${result.status}`}); the lines above say why`);
  process.exit(3);
}

/** Runs `make` unless the stamp says its inputs are those of the last success and `product` still stands. */
function stage(name, say, inputs, product, make) {
  const stamp = join(stamps, name);
  const now = fingerprint(inputs());
  if (existsSync(product) && existsSync(stamp) && readFileSync(stamp, "utf8") === now) return;
  console.error(`spheresim: ${say} ...`);
  make();
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, now);
}

function makeDecodersStrict() {
  for (const file of filesUnder(join(root, "src", "gen"))) {
    if (!file.endsWith(".ts")) continue;
    const reader = relative(dirname(file), join(root, "src", "base", "message-reader.js")).replaceAll("\\", "/");
    writeFileSync(file, strictDecoders(readFileSync(file, "utf8"), reader, relative(root, file)));
  }
}

/** Installs, generates and compiles whatever is out of date. */
export function build({ onlyGenerate = false } = {}) {
  requireNode();
  stage("install", "installing packages (once)", () => [join(root, "package-lock.json")], join(root, "node_modules", "typescript"), () =>
    // Not `npm ci`: it wants every platform's optional binary in the lock file, also those a registry does not carry.
    run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], "npm install"),
  );
  const contracts = () => [...filesUnder(join(root, "proto")), join(root, "buf.gen.yaml"), join(root, "scripts", "strict-decoders.mjs")];
  stage("generate", "generating code from proto/", contracts, join(root, "src", "gen"), () => {
    rmSync(join(root, "src", "gen"), { recursive: true, force: true });
    run("buf", ["generate"], "buf generate");
    makeDecodersStrict();
    run("buf", ["build", "-o", join("src", "gen", "image.binpb")], "buf build");
  });
  if (onlyGenerate) return;
  const sources = () => [...filesUnder(join(root, "src")), ...filesUnder(join(root, "test")), join(root, "tsconfig.json")].filter((file) => /\.(ts|json|binpb)$/.test(file));
  stage("compile", "compiling", sources, join(root, "dist", "src"), () => run("tsc", ["-p", "."], "tsc"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build({ onlyGenerate: process.argv.includes("--only-generate") });
