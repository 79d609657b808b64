import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import type { ReadyLine } from "../../../src/base/ready-line.js";
import { projectDirectory } from "../../../src/base/project-files.js";

/** What a program said and how it ended. */
export interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The room each step must come from. */
const rooms = ["apiserver", "apiserver", "scheduler", "vcenter", "scheduler", "scheduler", "vcenter", "hostd", "scheduler", "scheduler", "lifecycle", "spherelet", "crx", "spherelet"];

const manifest = `
apiVersion: v1
kind: Pod
metadata: {name: stranger}
spec: {containers: [{name: app, image: nginx, resources: {requests: {cpu: 250m, memory: 128Mi}}}]}
`;

/**
 * The `skip` option of a test of a client: a reason where `probe` fails, or false. A client's tools are looked for and never installed or
 * downloaded; with SPHERESIM_INTEROP_CLIENTS=require they must be there, and Go may download what is missing.
 */
export function skipUnless(reason: string, probe: readonly [string, ...string[]], environment: NodeJS.ProcessEnv = {}): string | false {
  if (process.env["SPHERESIM_INTEROP_CLIENTS"] === "require") return false;
  const [command, ...parameters] = probe;
  const { status } = spawnSync(command, parameters, { cwd: join(projectDirectory, "examples", "clients"), env: { ...process.env, ...environment }, stdio: "ignore" });
  return status === 0 ? false : reason;
}

/** A copy of one client as a fresh checkout has it, beside the contracts and a manifest; stubs are generated there. Removed after the test. */
export class StagedClient {
  readonly #root: string;
  readonly folder: string;
  readonly manifest: string;

  constructor(t: { after(fn: () => void): void }, language: "python" | "go") {
    this.#root = mkdtempSync(join(tmpdir(), "spheresim-client-"));
    t.after(() => rmSync(this.#root, { recursive: true, force: true }));
    this.folder = join(this.#root, "examples", "clients", language);
    const source = join(projectDirectory, "examples", "clients", language);
    const made = readFileSync(join(source, ".gitignore"), "utf8").split("\n").map((line) => line.replaceAll("/", ""));
    cpSync(source, this.folder, { recursive: true, filter: (file) => !made.includes(basename(file)) });
    cpSync(join(projectDirectory, "proto"), join(this.#root, "proto"), { recursive: true });
    cpSync(join(projectDirectory, "package.json"), join(this.#root, "package.json"));
    symlinkSync(join(projectDirectory, "node_modules"), join(this.#root, "node_modules"));
    this.manifest = join(this.#root, "stranger.yaml");
    writeFileSync(this.manifest, manifest);
  }

  /** Runs a command in the client's folder. */
  async run(command: string, parameters: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ending> {
    const child = spawn(command, parameters, { cwd: this.folder, env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, stdout, stderr };
  }

  /** Runs a command that must end well. */
  async make(command: string, parameters: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await this.run(command, parameters);
    assert.equal(code, 0, `${command} ${parameters.join(" ")}: ${stdout}${stderr}`);
  }
}

/** The variables of `spheresim env` that the clients read. */
export function pointedAt(ready: ReadyLine): NodeJS.ProcessEnv {
  return { SPHERESIM_EMULATOR: ready.endpoints["emulator"], SPHERESIM_ETCD: ready.endpoints["etcd"], SPHERESIM_DATA_DIR: ready.dataDir };
}

/** The client followed its pod through all fourteen steps, each from its room, and ended well. */
export function assertFollowed(ending: Ending): void {
  assert.equal(ending.code, 0, `${ending.stdout}${ending.stderr}`);
  const steps = [...ending.stdout.matchAll(/^stranger {2}step +(\d+) {2}(\S+) +\d+ ms {2}ok {2}(\S.*)$/gm)];
  const followed = steps.map(([, step, room]) => [Number(step), room] as const).sort(([a], [b]) => a - b);
  assert.deepEqual(followed, rooms.map((room, index) => [index + 1, room]));
  assert.match(ending.stdout, /^default\/stranger Running on esxi-0\d\.spheresim\.test, VM [0-9a-f-]{36}$/m);
}

/** Nobody was there: one line that says what to do next. */
export function assertSaysNobodyAnswers(ending: Ending): void {
  assert.deepEqual(ending, { code: 3, stdout: "", stderr: "place: no emulator answers at 127.0.0.1:1; start one with `npm start`, or set SPHERESIM_EMULATOR as `spheresim env` prints it\n" });
}

/** The emulator refused the manifest: one line with the API server's text. */
export function assertSaysRefusal(ending: Ending, code: string): void {
  assert.equal(ending.code, 1);
  assert.match(ending.stderr, new RegExp(`^place: ${code}: Pod "Bad_Name" is invalid: metadata\\.name: Invalid value: "Bad_Name": .*\\n$`));
}
