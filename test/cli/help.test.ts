import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { projectDirectory } from "../../src/base/project-files.js";
import { withDirectory } from "../support/command.js";
import { run } from "../support/running-emulator.js";

const commands = ["up", "demo", "place", "trace", "explain", "inventory", "host", "vm", "pool", "rule", "group", "drs", "events", "task", "env", "status", "exec", "check", "reset", "serve", "import-etcd"];

test("--help lists every command; each one's own is short, on standard output, with status 0", async () => {
  const all = await run(["--help"]);
  assert.deepEqual([all.code, all.stderr], [0, ""]);
  const listed = [...all.stdout.split("Commands:")[1]?.matchAll(/^ {2}([a-z-]+)/gm) ?? []].map((match) => match[1]);
  assert.deepEqual(listed, [...commands, "help"]);
  for (const command of commands) {
    const { code, stdout, stderr } = await run([command, "--help"]);
    assert.deepEqual([code, stderr], [0, ""], command);
    assert.match(stdout, new RegExp(`^Usage: spheresim ${command} `));
    assert.ok(stdout.split("\n").length <= 50, `${command}: ${stdout.split("\n").length} lines`);
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
  }
});

const subcommands: Readonly<Record<string, readonly string[]>> = {
  host: ["list", "maintenance", "standby", "quarantine", "disconnect", "connect", "add", "remove", "power", "network", "service"],
  vm: ["list", "create", "power", "migrate", "set", "activity", "destroy"],
  pool: ["list", "create", "set", "move", "destroy"],
  rule: ["list", "add", "remove"],
  group: ["list", "set", "remove"],
  drs: ["recommendations", "apply", "settings", "usage"],
  task: ["list", "follow", "cancel"],
};

test("the help of a group of commands lists each, and each has its own", async () => {
  for (const [group, each] of Object.entries(subcommands)) {
    const { code, stdout } = await run([group, "--help"]);
    assert.equal(code, 0);
    assert.deepEqual([...stdout.split("Commands:")[1]?.matchAll(/^ {2}([a-z-]+)/gm) ?? []].map((match) => match[1]), [...each, "help"]);
    const bare = await run([group]);
    assert.deepEqual([bare.code, bare.stdout], [2, ""]);
  }
  for (const words of [["vm", "create"], ["pool", "set"], ["drs", "settings"], ["host", "add"]]) {
    const { code, stdout } = await run([...words, "--help"]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^Usage: spheresim ${words.join(" ")} `));
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
  }
});

test("--version is that of the package", async () => {
  const { code, stdout } = await run(["--version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

for (const [what, parameters, message] of [
  ["an unknown command", ["plcae"], /^spheresim: unknown command 'plcae' \(Did you mean place\?\); spheresim --help lists the commands\n$/],
  ["an unknown option", ["up", "--bogus"], /^spheresim: unknown option '--bogus'; spheresim up --help lists its options\n$/],
  ["an unknown command of a group", ["pool", "crate"], /^spheresim: unknown command 'crate' \(Did you mean create\?\); spheresim pool --help lists its commands\n$/],
  ["an option of a command of a group", ["vm", "list", "--bogus"], /^spheresim: unknown option '--bogus'; spheresim vm list --help lists its options\n$/],
  ["an argument too many", ["status", "more"], /^spheresim: too many arguments for 'status'.*; spheresim status --help lists its options\n$/],
  ["a missing argument", ["trace"], /^spheresim: missing required argument 'pod'; spheresim trace --help lists its options\n$/],
  ["a missing manifest", ["place"], /^spheresim: required option '-f, --filename <file>' not specified; spheresim place --help lists its options\n$/],
  ["a room there is not", ["serve", "kitchen"], /^spheresim: .*'kitchen'.* choose one of: etcd, .*; spheresim serve --help lists its options\n$/],
  ["a form of output there is not", ["status", "-o", "xml"], /^spheresim: .*'xml' is invalid. Allowed choices are table, wide, json, yaml; spheresim status --help lists its options\n$/],
  ["a time-out that is no number", ["reset", "--timeout", "soon"], /^spheresim: .*'soon' is invalid. It must be a number of seconds above 0; spheresim reset --help lists its options\n$/],
  ["a number that is none", ["up", "--hosts", "many"], /^spheresim: option --hosts "many": must be a whole number from 1 to 1000\n {2}see spheresim up --help\n$/],
  ["a number that is too large", ["up", "--port-base", "70000"], /^spheresim: option --port-base "70000": must be a whole number from 1 to 65535\n/],
  ["a plan there is not", ["up", "--processes", "two"], /^spheresim: option --processes "two": choose one of: one, planes, rooms\n/],
  ["a room to leave out that there is not", ["up", "--without", "kitchen"], /^spheresim: option --without "kitchen": choose one of: etcd, hostd, .*emulator\n/],
  ["a captain there is not", ["up", "--decider", "nemo"], /^spheresim: option --decider "nemo": .*\n {2}see spheresim up --help\n$/],
  ["a file that is not there", ["place", "-f", "/no/such/file"], /^spheresim: manifest \/no\/such\/file: no such file or directory\n {2}name a YAML or JSON file with -f, or - for standard input\n$/],
  ["a directory for a file", ["place", "-f", "/"], /^spheresim: manifest \/: illegal operation on a directory\n {2}/],
] as const) {
  test(`${what} is a usage error that says what to do next`, async () => {
    const { code, stdout, stderr } = await run(parameters);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, message);
  });
}

test("no command at all shows the help and is a usage error", async () => {
  const { code, stdout, stderr } = await run([]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^Usage: spheresim/);
});

test("without an emulator every command that needs one says how to start it", async () => {
  await withDirectory(async (directory) => {
    const env = { XDG_STATE_HOME: directory };
    for (const command of [["trace", "web"], ["explain", "web"], ["inventory"], ["host", "list"], ["vm", "power", "a", "on"], ["drs", "settings"], ["events"], ["task", "follow", "task-1"], ["env"], ["reset"], ["place", "-f", "-"]]) {
      const { code, stdout, stderr } = await run(command, { env });
      assert.deepEqual([code, stdout, stderr], [3, "", 'spheresim: no emulator named "default" is running\n  start one with: npm start\n'], command.join(" "));
    }
    const named = await run(["host", "list", "--name", "other"], { env });
    assert.deepEqual([named.code, named.stderr], [3, 'spheresim: no emulator named "other" is running\n  start one with: npm start -- --name other\n']);
    const dataDir = join(directory, "data");
    const there = await run(["host", "list", "--data-dir", dataDir], { env });
    assert.deepEqual([there.code, there.stderr], [3, `spheresim: no emulator runs on ${dataDir}\n  start one with: npm start -- --data-dir ${dataDir}\n`]);
    const status = await run(["status"], { env });
    assert.deepEqual([status.code, status.stdout], [0, "no emulator is running; start one with: npm start\n"]);
    assert.equal((await run(["status", "-o", "json"], { env })).stdout, "[]\n");
    const elsewhere = await run(["env", "--emulator", "127.0.0.1:1"], { env });
    assert.equal(elsewhere.code, 3);
    assert.match(elsewhere.stderr, /^spheresim: the emulator at 127\.0\.0\.1:1 does not answer: .*ECONNREFUSED 127\.0\.0\.1:1\.\n {2}look with: spheresim status\n$/);
  });
});

/** Runs the entry as a Node of another version would find it. */
function withNodeVersion(version: string): ReturnType<typeof spawnSync> {
  const directory = mkdtempSync(join(tmpdir(), "spheresim-test-"));
  try {
    const preload = join(directory, "version.cjs");
    writeFileSync(preload, `Object.defineProperty(process, "versions", { value: { ...process.versions, node: ${JSON.stringify(version)} } });`);
    return spawnSync(process.execPath, ["--require", preload, join(projectDirectory, "scripts", "spheresim.mjs"), "--version"], { encoding: "utf8" });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

for (const version of ["12.22.12", "18.20.8", "20.18.3"]) {
  test(`Node ${version} is told to be too old in one line`, () => {
    const { status, stdout, stderr } = withNodeVersion(version);
    assert.deepEqual([status, stdout, stderr], [3, "", `spheresim: Node ${version} is too old; install Node 20.19 or newer (https://nodejs.org) and run the command again\n`]);
  });
}

for (const version of ["20.19.0", "24.1.0"]) test(`Node ${version} will do`, () => assert.equal(withNodeVersion(version).status, 0));
