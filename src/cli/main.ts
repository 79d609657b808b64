import { Command } from "commander";
import { RpcCode, RpcError } from "../base/rpc-error.js";
import { exitCodes, UserError } from "../base/user-error.js";
import { version } from "../base/version.js";
import { addCheck } from "./check.js";
import { addDemo } from "./demo.js";
import { addDrs } from "./drs.js";
import { addEnv } from "./env.js";
import { addEvents } from "./events.js";
import { addExec } from "./exec.js";
import { addExplain } from "./explain.js";
import { addGroup } from "./group.js";
import { addHost } from "./host.js";
import { addImportEtcd } from "./import-etcd.js";
import { addInventory } from "./inventory.js";
import { addPlace } from "./place.js";
import { addPool } from "./pool.js";
import { addReset } from "./reset.js";
import { addRule } from "./rule.js";
import { addServe, serveAsEtcd } from "./serve.js";
import { addStatus } from "./status.js";
import { addTask } from "./task.js";
import { addTrace } from "./trace.js";
import { addUp } from "./up.js";
import { addVm } from "./vm.js";

const program = new Command("spheresim").description("The whole control plane of a vSphere Supervisor cluster on one machine.").version(version).exitOverride();
for (const add of [addUp, addDemo, addPlace, addTrace, addExplain, addInventory, addHost, addVm, addPool, addRule, addGroup, addDrs, addEvents, addTask, addEnv, addStatus, addExec, addCheck, addReset, addServe, addImportEtcd]) add(program);
reportUsage(program, "spheresim");

/** One line for a command that was typed wrongly, at every depth. */
function reportUsage(command: Command, path: string): void {
  const help = command === program ? "spheresim --help lists the commands" : `${path} --help lists its ${command.commands.length > 0 ? "commands" : "options"}`;
  command.configureOutput({ outputError: (text, write) => write(`${text.trim().replace(/^error: /, "spheresim: ").replaceAll(/\s*\n\s*/g, " ").replace(/\.$/, "")}; ${help}\n`) });
  // Long terms leave the descriptions a narrow column; they are wrapped there, too.
  command.configureHelp({ minWidthToWrap: 20 });
  for (const each of command.commands) reportUsage(each, `${path} ${each.name()}`);
}

// A reader that has seen enough (`| head`) is no failure of ours.
for (const output of [process.stdout, process.stderr]) {
  output.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
for (const event of ["uncaughtException", "unhandledRejection"] as const) process.on(event, (error: unknown) => process.exit(report(error)));

try {
  if (!(await serveAsEtcd(process.argv.slice(2)))) await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** One line what, one line what next; the stack only under SPHERESIM_DEBUG. */
function report(error: unknown): number {
  const failure = error as Error & { readonly code?: unknown; readonly exitCode?: number };
  if (typeof failure.code === "string" && failure.code.startsWith("commander.")) return failure.exitCode === 0 ? 0 : exitCodes.usage;
  if (process.env["SPHERESIM_DEBUG"] !== undefined) console.error(failure);
  process.stderr.write(`spheresim: ${failure.message}\n`);
  if (error instanceof UserError && error.next !== "") process.stderr.write(`  ${error.next}\n`);
  if (error instanceof UserError) return exitCodes[error.kind];
  return RpcError.is(error, RpcCode.DEADLINE_EXCEEDED) ? exitCodes["time-out"] : exitCodes.failed;
}
