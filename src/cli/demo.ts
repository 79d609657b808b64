import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { examplesDirectory } from "../base/project-files.js";
import { type Daemon, withTemporaryDaemon } from "../daemon/index.js";
import { banner } from "./banner.js";
import { connect, type Connection } from "./connection.js";
import { explanationText } from "./explain.js";
import { showPlacement } from "./place.js";
import { type StopRequest, stopRequest } from "./stop-request.js";
import { playTwoCaptains, type Run, sideBySide, twoCaptainsInventory } from "./two-captains.js";

interface DemoFlags {
  readonly exit?: boolean;
  readonly profile: string;
}

/** `npm run demo`: the main job in one go, on temporary directories and free ports. */
export function addDemo(program: Command): void {
  program
    .command("demo")
    .description("the main job in one go: real manifests through the fourteen steps, then the choice that Kubernetes alone cannot make")
    .option("--exit", "end after the scenes; status 0 only if every pod ran")
    .option("--profile <profile>", "how long the world takes: instant, article or supervisor-1.21", "article")
    .action(async (flags: DemoFlags) => {
      const stop = stopRequest();
      try {
        if (!(await scenes(flags, stop))) process.exitCode = 1;
      } catch (error) {
        if (!stop.signal.aborted) throw error;
        process.exitCode = stop.exitCode;
      }
    });
}

async function scenes({ profile, exit }: DemoFlags, stop: StopRequest): Promise<boolean> {
  return withEmulator({ name: "demo", profile }, stop, async (connection, { ready }) => {
    // The second scene plays behind the curtain of the first: most of both is waiting.
    const [first, runs] = await Promise.all([unlessStopped(stop, journeys(connection)), twoCaptains(profile, stop)]);
    const second = tell(runs);
    if (exit !== true) {
      say(banner(ready, process.env, "ends the demo and removes all of it"));
      await stop.requested;
    }
    return first && second;
  });
}

/** Scene 1: manifests of three kinds, each pod's steps as they happen. */
async function journeys(connection: Connection): Promise<boolean> {
  say("Scene 1: three manifests, each pod through the article's fourteen steps\n\n");
  let allRan = true;
  for (const file of ["cache.yaml", "report.yaml", "web.yaml"]) {
    say(`$ spheresim place -f examples/manifests/${file}\n`);
    const manifest = readFileSync(join(examplesDirectory, "manifests", file), "utf8");
    const { allRunning } = await showPlacement(connection.emulator.place({ manifest, namespace: "", timeout: undefined }));
    allRan &&= allRunning;
    say("\n");
  }
  return allRan;
}

/**
 * Scene 2: the same newcomer in two clusters that differ in one flag, the captain that decides. By requests two of the three hosts are equal;
 * by what is in use they are not.
 */
async function twoCaptains(profile: string, stop: StopRequest): Promise<readonly Run[]> {
  const play = (captain: string, decider: string): Promise<Run> =>
    withEmulator({ name: `demo-${decider}`, profile, inventory: twoCaptainsInventory, processes: "one", decider }, stop, (connection) => unlessStopped(stop, playTwoCaptains(connection, captain)));
  const runs = await Promise.allSettled([play("Kubernetes alone", "kubernetes"), play("with DRS", "drs")]);
  return runs.map((run) => {
    if (run.status === "rejected") throw run.reason;
    return run.value;
  });
}

function tell(runs: readonly Run[]): boolean {
  say(`Scene 2: two captains on one ship

Three hosts of 100 GB. Pods reserve 60, 40 and 40 GB; ordinary VMs make B busy: 70 GB active there, 45 GB on C.
A newcomer reserves 35 GB. It is placed twice, in clusters that differ in one flag:

$ spheresim up --inventory examples/inventories/two-captains.yaml --decider kubernetes
$ spheresim up --inventory examples/inventories/two-captains.yaml --decider drs

${sideBySide(runs)}`);
  for (const { attempt } of runs) if (attempt.drsSilent === "") say(`\n$ spheresim explain newcomer\n${explanationText(attempt, false)}\n`);
  return runs.every((run) => run.ran);
}

/** Waits for work, but no longer than until somebody asks to stop. */
function unlessStopped<T>(stop: StopRequest, work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    stop.requested.then(() => {
      throw stop.signal.reason;
    }),
  ]);
}

/** Runs something against an emulator of its own. */
async function withEmulator<T>(flags: Readonly<Record<string, unknown>>, stop: StopRequest, play: (connection: Connection, daemon: Daemon) => Promise<T>): Promise<T> {
  return withTemporaryDaemon({ flags, environment: {}, stop: stop.signal }, async (daemon) => {
    const connection = await connect({ dataDir: daemon.ready.dataDir }, {});
    try {
      return await play(connection, daemon);
    } finally {
      connection.close();
    }
  });
}

function say(text: string): void {
  process.stdout.write(text);
}
