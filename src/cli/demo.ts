import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { examplesDirectory } from "../base/project-files.js";
import type { ReadyLine } from "../base/ready-line.js";
import { readOptions, startDaemon } from "../daemon/index.js";
import type { Explanation } from "../gen/spheresim/scheduler/v1/explain.js";
import { ExplainServiceClient } from "../gen/spheresim/scheduler/v1/explain_service.js";
import { connect, type Connection } from "./connection.js";
import { explanationText } from "./explain.js";
import { showPlacement } from "./place.js";
import { banner, stopRequest } from "./up.js";

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
      const stopped = stopRequest();
      const ran = await withEmulator({ name: "demo", profile: flags.profile }, async (connection, ready) => {
        const first = await journeys(connection);
        const second = await twoCaptains(flags.profile);
        if (flags.exit !== true) {
          say(banner(ready));
          await stopped.requested;
        }
        return first && second;
      });
      if (!ran) process.exitCode = 1;
    });
}

/** Scene 1: manifests of three kinds, each pod's steps as they happen. */
async function journeys(connection: Connection): Promise<boolean> {
  say("Scene 1: three manifests, each pod through the article's fourteen steps\n\n");
  let allRan = true;
  for (const file of ["cache.yaml", "report.yaml", "web.yaml"]) {
    say(`$ spheresim place -f examples/manifests/${file}\n`);
    allRan = (await placeFile(connection, file)) && allRan;
    say("\n");
  }
  return allRan;
}

/** Scene 2: three hosts; Kubernetes alone sees a tie, DRS does not. A cluster of its own. */
async function twoCaptains(profile: string): Promise<boolean> {
  say("Scene 2: two captains on one ship\n\n");
  const inventory = join(examplesDirectory, "inventories", "two-captains.yaml");
  return withEmulator({ name: "demo-two-captains", profile, inventory, processes: "one" }, async (connection) => {
    say("Three hosts of 100 GB. Pods reserve 60, 40 and 40 GB; ordinary VMs make B busy: 70 GB active there, 45 GB on C.\n");
    const before = connection.emulator.place({ manifest: example("two-captains-before.yaml"), namespace: "", timeout: undefined });
    let allRan = false;
    for await (const { event } of before) if (event?.$case === "result") allRan = event.value.allRunning;
    say("A newcomer reserves 35 GB.\n\n$ spheresim place -f examples/manifests/two-captains.yaml\n");
    allRan = (await placeFile(connection, "two-captains.yaml")) && allRan;
    const explanation = await connection.open("scheduler").client(ExplainServiceClient).explain({ namespace: "default", name: "newcomer" });
    say(`\n$ spheresim explain newcomer\n${explanationText(explanation, false)}\n${verdictOfBoth(explanation)}\n`);
    return allRan;
  });
}

/** What Kubernetes alone would have done, and what DRS did, from the verdicts of the same placement. */
function verdictOfBoth(explanation: Explanation): string {
  const best = Math.max(...explanation.nodeVerdicts.filter((node) => node.feasible).map((node) => node.score));
  const tied = explanation.nodeVerdicts.filter((node) => node.feasible && node.score === best).map((node) => node.node);
  const alone = tied.length > 1 ? `ties ${tied.join(" and ")} at ${best.toFixed(0)} and would toss a coin` : `would take ${tied[0] ?? "none"}`;
  return `Kubernetes alone ${alone}. DRS takes ${explanation.node}.\n`;
}

async function placeFile(connection: Connection, file: string): Promise<boolean> {
  const result = await showPlacement(connection.emulator.place({ manifest: example(file), namespace: "", timeout: undefined }));
  return result.allRunning;
}

function example(file: string): string {
  return readFileSync(join(examplesDirectory, "manifests", file), "utf8");
}

/** Runs something against an emulator of its own and removes it with all its state. */
async function withEmulator<T>(flags: Readonly<Record<string, unknown>>, play: (connection: Connection, ready: ReadyLine) => Promise<T>): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), "spheresim-demo-"));
  try {
    const daemon = await startDaemon(readOptions({ ...flags, dataDir, ports: "auto" }, {}));
    try {
      const connection = await connect({ dataDir }, {});
      try {
        return await play(connection, daemon.ready);
      } finally {
        connection.close();
      }
    } finally {
      await daemon.close();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function say(text: string): void {
  process.stdout.write(text);
}
