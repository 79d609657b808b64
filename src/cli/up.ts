import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { monotonicClock } from "../base/clock.js";
import type { ReadyLine } from "../base/ready-line.js";
import { readOptions, startDaemon } from "../daemon/index.js";
import { addUpOptions, givenOptions } from "./up-options.js";

interface UpFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly readyFile?: string;
  readonly exitWithParent?: boolean;
}

/** `spheresim up`: the daemon, until a signal ends it. */
export function addUp(program: Command): void {
  const command = program
    .command("up", { isDefault: false })
    .description("run the emulator until Ctrl-C")
    .option("--json", "print the ready line as JSON also on a terminal")
    .option("--ready-file <path>", "write the ready line to a file, too");
  addUpOptions(command).action(async (flags: UpFlags) => {
    const options = readOptions(givenOptions({ ...flags }, ["json", "readyFile"]), process.env, flags.config);
    const stopped = stopRequest();
    const unwatch = options.exitWithParent ? watchParent(stopped.request) : undefined;
    const daemon = await startDaemon(options);
    const line = JSON.stringify(daemon.ready);
    if (flags.readyFile !== undefined) writeFileSync(flags.readyFile, `${line}\n`);
    process.stdout.write(process.stdout.isTTY && flags.json !== true ? banner(daemon.ready) : `${line}\n`);
    await stopped.requested;
    unwatch?.();
    await daemon.close();
  });
}

/** Resolves at the first INT, TERM or HUP; a second INT ends the process at once. */
export function stopRequest(): { readonly requested: Promise<void>; readonly request: () => void } {
  let request: () => void = () => undefined;
  const requested = new Promise<void>((resolve) => (request = resolve));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      request();
      process.once("SIGINT", () => process.exit(130));
    });
  }
  return { requested, request };
}

const parentPollMs = 500;

/** Asks for the end when the process that started this one is gone; an orphan gets another parent. The function it returns ends the watch. */
export function watchParent(gone: () => void): () => void {
  const clock = monotonicClock();
  const parent = process.ppid;
  const look = (): void => {
    if (process.ppid !== parent) gone();
    else timer = clock.timer(parentPollMs, look);
  };
  let timer = clock.timer(parentPollMs, look);
  return () => timer.cancel();
}

/** What to paste next, for a person. */
export function banner(ready: ReadyLine): string {
  const endpoints = Object.entries(ready.endpoints).map(([room, address]) => `    ${room.padEnd(10)} ${address}`);
  return `spheresim ${ready.version} is ready: ${ready.hosts.length} hosts, profile ${ready.profile}, seed ${ready.seed}
${endpoints.join("\n")}
  paste next:
    export KUBECONFIG=${ready.kubeconfig}
    kubectl get nodes
    npx spheresim place -f examples/manifests/web.yaml${ready.name === "default" ? "" : ` --name ${ready.name}`}
  Ctrl-C stops it; state stays in ${ready.dataDir}
`;
}
