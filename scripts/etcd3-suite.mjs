// Lets the test suite of npm's etcd3, a client for Node, judge `scripts/etcd`. The registry's package carries no tests, so this wants a
// checkout of https://github.com/microsoft/etcd3 (the branch master or tag v1.1.2); it installs and compiles that where it has not been.
//   node scripts/etcd3-suite.mjs CHECKOUT [--etcd PROGRAM] [--grep REGEXP] [--json FILE]
// The suite runs over TLS, with the checkout's own certificate for 127.0.0.1 (valid to July 2027). Status 1 if a test fails.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { requireNode } from "./require-node.mjs";

const here = dirname(fileURLToPath(import.meta.url));
/** Longer than a first build of this repository on a loaded machine. */
const START_MS = 180_000;

requireNode();
const { values: flags, positionals } = parseArgs({ allowPositionals: true, options: { etcd: { type: "string", default: join(here, "etcd") }, grep: { type: "string" }, json: { type: "string" } } });
if (positionals.length !== 1) {
  console.error("usage: node scripts/etcd3-suite.mjs CHECKOUT [--etcd PROGRAM] [--grep REGEXP] [--json FILE]");
  process.exit(2);
}
const checkout = resolve(positionals[0]);
const certificates = join(checkout, "src", "test", "certs");
if (!existsSync(certificates)) throw new Error(`${checkout} is no checkout of etcd3 with its tests: ${certificates} is missing`);
if (!existsSync(join(checkout, "node_modules", "mocha"))) run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], "installing what etcd3 needs");
if (!existsSync(join(checkout, "lib", "test", "crud.test.js"))) run(join(checkout, "node_modules", ".bin", "tsc"), [], "compiling etcd3");

const work = mkdtempSync(join(tmpdir(), "spheresim-etcd3-"));
const [client, peer] = [await freePort(), await freePort()];
const address = `127.0.0.1:${client}`;
const etcd = resolve(flags.etcd);
const version = run(etcd, ["--version"]).match(/^etcd Version: (\S+)/m)[1];
const server = spawn(etcd, [
  "--data-dir", join(work, "data"),
  "--listen-client-urls", `https://${address}`, "--advertise-client-urls", `https://${address}`,
  "--listen-peer-urls", `http://127.0.0.1:${peer}`, "--initial-advertise-peer-urls", `http://127.0.0.1:${peer}`, "--initial-cluster", `default=http://127.0.0.1:${peer}`,
  "--cert-file", join(certificates, "certs", "etcd0.localhost.crt"), "--key-file", join(certificates, "private", "etcd0.localhost.key"),
], { stdio: ["ignore", "pipe", "pipe"] });
process.on("SIGINT", () => process.exit(130));
process.on("exit", () => {
  server.removeAllListeners("exit").kill("SIGKILL");
  rmSync(work, { recursive: true, force: true });
});
await ready();

const report = flags.json === undefined ? join(work, "report.json") : resolve(flags.json);
const mocha = join(checkout, "node_modules", "mocha", "bin", "mocha.js");
// Not spawnSync: the server's output has to be read meanwhile, or it would stop at a full pipe.
const judged = spawn(process.execPath, [mocha, "--reporter", "json", "--reporter-option", `output=${report}`, ...(flags.grep === undefined ? [] : ["--grep", flags.grep])], {
  cwd: checkout,
  stdio: ["ignore", "ignore", "inherit"],
  env: { ...process.env, ETCD_ADDR: address, ETCD_VERSION: version },
});
const status = await new Promise((done, refuse) => judged.on("error", refuse).on("exit", (code, signal) => done(signal ?? code)));
if (!existsSync(report)) throw new Error(`mocha left no report (${status})`);
const { stats, failures } = JSON.parse(readFileSync(report, "utf8"));
for (const { fullTitle, err } of failures) console.log(`FAIL  ${fullTitle}\n      ${(err.stack ?? err.message ?? "").split("\n").slice(0, 6).join("\n      ")}`);
console.log(`${stats.passes} of ${stats.tests - stats.pending} pass against etcd ${version}; ${stats.pending} are left out by the suite (${(stats.duration / 1000).toFixed(1)} s)`);
process.exit(status === 0 && stats.failures === 0 && stats.passes > 0 ? 0 : 1);

/** Waits for the line that etcd prints once it answers: one text before 3.5, another since. */
function ready() {
  return new Promise((done, refuse) => {
    let output = "";
    const limit = setTimeout(() => refuse(new Error(`${etcd} is not ready: ${output.slice(-2_000)}`)), START_MS);
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output = (output + text).slice(-10_000);
        if (!/ready to serve client requests|serving client requests on/.test(output)) return;
        clearTimeout(limit);
        done();
      });
    }
    server.on("error", refuse);
    server.on("exit", (code, signal) => refuse(new Error(`${etcd} ended (${signal ?? code}): ${output.slice(-2_000)}`)));
  });
}

function freePort() {
  return new Promise((done, refuse) => {
    const holder = createServer().on("error", refuse);
    holder.listen(0, "127.0.0.1", () => {
      const { port } = holder.address();
      holder.close(() => done(port));
    });
  });
}

function run(command, args, what) {
  if (what !== undefined) process.stderr.write(`${what} ...\n`);
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd: what === undefined ? undefined : checkout, maxBuffer: 64 * 1024 * 1024 });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args[0] ?? ""} failed: ${error?.message ?? stderr.slice(-2_000)}`);
}
