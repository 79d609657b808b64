// Lets etcd's own end-to-end tests judge `scripts/etcd`: fetches Debian's packages of etcd's source, its tests and Go 1.19 into a temporary
// directory, builds the tests there, runs each in a process of its own and prints a table. Needs Debian 12 (apt-get, dpkg-deb), curl and
// etcdctl. Nothing fetched is kept, unless `--work DIR` names a directory, which then also saves the next run the building.
//   node scripts/etcd-e2e.mjs [--work DIR] [--run REGEXP] [--etcd PROGRAM] [--json FILE]
// What does not apply to a cluster of one member stands in etcd-e2e-skips.json, with the reason. Status 1 if another test fails.
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { requireNode } from "./require-node.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const PACKAGES = ["golang-1.19-go", "golang-etcd-server-dev"];
/** The longest of etcd's own limits for one test is 40 s; a loaded machine gets more. */
const LIMIT_MS = 120_000;

requireNode();
const { values: flags } = parseArgs({ options: { work: { type: "string" }, run: { type: "string", default: "." }, etcd: { type: "string", default: join(here, "etcd") }, json: { type: "string" } } });
const work = flags.work === undefined ? mkdtempSync(join(tmpdir(), "spheresim-etcd-e2e-")) : resolve(flags.work);
process.on("exit", () => flags.work === undefined && rmSync(work, { recursive: true, force: true }));
process.on("SIGINT", () => process.exit(130));

const source = join(work, "root", "usr", "share", "gocode", "src", "go.etcd.io", "etcd", "tests", "e2e");
const binary = join(work, "e2e.test");
if (!existsSync(binary)) {
  fetchPackages();
  adaptTests();
  say("building etcd's end-to-end tests ...");
  const root = join(work, "root");
  run(join(root, "usr", "lib", "go-1.19", "bin", "go"), ["test", "-c", "-ldflags", `-X go.etcd.io/etcd/version.Version=${judgedVersion()}`, "-o", binary, "."], {
    cwd: source,
    env: { ...process.env, GOROOT: join(root, "usr", "lib", "go-1.19"), GOPATH: join(root, "usr", "share", "gocode"), GOCACHE: join(work, "gocache"), GO111MODULE: "off", GOFLAGS: "", GOTOOLCHAIN: "local" },
  });
}

const bin = join(work, "bin");
rmSync(bin, { recursive: true, force: true });
mkdirSync(bin);
symlinkSync(resolve(flags.etcd), join(bin, "etcd"));
symlinkSync(which("etcdctl"), join(bin, "etcdctl"));
// Once here, so that no test waits for it.
run(join(bin, "etcd"), ["--version"]);

const skips = JSON.parse(readFileSync(join(here, "etcd-e2e-skips.json"), "utf8")).map(({ tests, reason }) => ({ tests: new RegExp(tests), reason }));
const names = run(binary, ["-test.list", flags.run, "-bin-dir", bin], { cwd: source }).split("\n").filter((name) => name.startsWith("Test"));
const results = [];
for (const name of names) {
  const skip = skips.find(({ tests }) => tests.test(name));
  const result = skip === undefined ? await runTest(name) : { name, outcome: "skip", seconds: 0, why: skip.reason };
  results.push(result);
  console.log(`${result.outcome.padEnd(5)} ${name.padEnd(50)} ${result.outcome === "skip" ? "" : `${result.seconds.toFixed(1).padStart(6)} s`} ${result.why}`.trimEnd());
}
const count = (outcome) => results.filter((result) => result.outcome === outcome).length;
console.log(`\n${count("pass")} of ${count("pass") + count("FAIL")} pass; ${count("skip")} do not apply`);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results, undefined, 1)}\n`);
process.exit(count("FAIL") === 0 ? 0 : 1);

/** Runs one test; its process group is ended with it, as a test that fails leaves its servers behind. */
function runTest(name) {
  return new Promise((done) => {
    const start = performance.now();
    const temporary = mkdtempSync(join(work, "tmp-"));
    const child = spawn(binary, ["-test.v", "-test.run", `^${name}$`, "-test.timeout", `${LIMIT_MS / 1000}s`, "-bin-dir", bin], { cwd: source, detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, TMPDIR: temporary } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
    const limit = setTimeout(() => endGroup(child.pid), LIMIT_MS + 5_000);
    child.on("exit", (code) => {
      clearTimeout(limit);
      endServers(temporary);
      endGroup(child.pid);
      rmSync(temporary, { recursive: true, force: true });
      const seconds = (performance.now() - start) / 1000;
      const passed = code === 0 && output.includes(`--- PASS: ${name} `);
      done({ name, outcome: passed ? "pass" : "FAIL", seconds, why: passed ? "" : reason(output), output: passed ? undefined : output.slice(-8_000) });
    });
  });
}

/** The first line in which a test says what it missed. */
function reason(output) {
  const lines = output.split("\n").map((line) => line.trim());
  return (lines.find((line) => /^\w+_test\.go:\d+: |^panic: |^testutil\.go:\d+: test timed out/.test(line)) ?? lines.find((line) => /fail|error/i.test(line)) ?? "no output").slice(0, 200);
}

/** Servers are started in sessions of their own; the directory of their data tells which are of this test. */
function endServers(temporary) {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (readFileSync(join("/proc", entry, "cmdline"), "utf8").includes(temporary)) process.kill(Number(entry), "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left.
  }
}

function fetchPackages() {
  say(`fetching ${PACKAGES.join(" and ")} with what they need ...`);
  const debs = join(work, "debs");
  mkdirSync(debs, { recursive: true });
  const nothing = join(work, "no-status");
  writeFileSync(nothing, "");
  // As if nothing were installed: what is, lies elsewhere and may be of another version.
  const plan = run("apt-get", ["install", "-y", "--no-install-recommends", "--print-uris", "-o", `Dir::State::status=${nothing}`, ...PACKAGES]);
  const wanted = [...plan.matchAll(/^'[^']+' (golang-[^_\s]+)_/gm)].map(([, name]) => name);
  if (wanted.length === 0) throw new Error("apt-get knows no packages golang-*; this needs Debian 12 and `apt-get update`");
  run("apt-get", ["download", ...wanted], { cwd: debs });
  for (const deb of readdirSync(debs)) run("dpkg-deb", ["-x", join(debs, deb), join(work, "root")]);
}

/**
 * Debian leaves etcd's sample of a configuration file out; ours stands in its place. Tests that only read need no three members to read from; those that read a version of the server expect the judged one's, and the
 * health report and the order of an error's fields of 3.5; the version of etcdctl is another one.
 */
function adaptTests() {
  copyFileSync(join(here, "..", "examples", "etcd.yaml"), join(source, "..", "..", "etcd.conf.yml.sample"));
  edit("cluster_test.go", /(?<=clusterSize:\s+)3/g, "1");
  edit("metrics_test.go", '`{"health":"true"}`', '`{"health":"true"`');
  edit("ctl_v3_alarm_test.go", '`{"health":"false"}`', '`{"health":"false"`');
  edit("v3_curl_test.go", /("message":"\\"leader\\" field must be provided"),("code":2)/g, "$2,$1");
  const etcdctl = run("etcdctl", ["version"], { env: { ...process.env, ETCDCTL_API: "3" } }).match(/version: (\S+)/)[1];
  edit("ctl_v3_test.go", "spawnWithExpect(cmdArgs, version.Version)", `spawnWithExpect(cmdArgs, "${etcdctl}")`);
  edit("ctl_v3_test.go", /^\s*"go\.etcd\.io\/etcd\/version"\n/m, "");
}

function edit(name, from, to) {
  const file = join(source, name);
  const text = readFileSync(file, "utf8");
  const edited = text.replaceAll(from instanceof RegExp && !from.global ? new RegExp(from, `${from.flags}g`) : from, to);
  if (edited === text) throw new Error(`${name} is not what it was: ${from} is not in it`);
  writeFileSync(file, edited);
}

function judgedVersion() {
  return run(resolve(flags.etcd), ["--version"]).match(/^etcd Version: (\S+)/m)[1];
}

function which(program) {
  const found = spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).stdout.trim();
  if (found === "") throw new Error(`${program} is not installed (Debian: etcd-client)`);
  return found;
}

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024, ...options });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args[0] ?? ""} failed: ${error?.message ?? stderr.slice(-2_000)}`);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
