import type { ContainerSpec } from "../gen/spheresim/crx/v1/agent.js";
import { imageProfile, imageProfiles, type ImageProfile, type OnTerm } from "./image-profiles.js";
import { runShell, sleepMs } from "./shell-run.js";
import { NotUnderstood } from "./shell-syntax.js";

/** What a container's first process does, as far as anybody outside can see. */
export interface Program {
  /** Emulated milliseconds until it ends by itself; Infinity when it does not. */
  readonly runsMs: number;
  readonly exitCode: number;
  readonly onTerm: OnTerm;
  /** It takes more memory than it may have. */
  readonly oomKilled: boolean;
}

const FOREVER = Number.POSITIVE_INFINITY;
const SHELLS = new Set(["sh", "bash", "ash", "dash"]);
/** Servers by the name of their program, for pods that spell the command out. */
const SERVERS = new Map([["redis-server", "redis"], ["httpd-foreground", "httpd"], ["apache2ctl", "httpd"], ["mysqld", "mysql"], ["mongod", "mongo"]]);

/**
 * What a container runs: the pod's command if it names one, else the image's profile. Kubernetes: `command` stands for the image's
 * entrypoint, `args` for its command. What is not understood stays up until it is stopped.
 *
 * Worked example: busybox with `["sh", "-c", "sleep 30 && exit 42"]` runs 30 s, exits 42 and, being a shell, does not listen to TERM.
 */
export function programOf(spec: Pick<ContainerSpec, "image" | "command" | "args" | "env" | "limitMemoryBytes">): Program {
  const profile = imageProfile(spec.image);
  const [first] = spec.args;
  if (spec.command.length > 0) return ofCommand([...spec.command, ...spec.args], spec);
  if (first !== undefined && profile.argsAreCommand && !first.startsWith("-")) return ofCommand(spec.args, spec);
  const stress = stressOf(spec.args, spec);
  return stress ?? ofProfile(profile);
}

function ofProfile(profile: ImageProfile): Program {
  return { runsMs: profile.runs === "serves" ? FOREVER : 0, exitCode: profile.exitCode, onTerm: profile.onTerm, oomKilled: false };
}

function ofCommand(argv: readonly string[], spec: Pick<ContainerSpec, "env" | "limitMemoryBytes">): Program {
  const [path = "", ...args] = argv;
  const name = path.split("/").at(-1) ?? path;
  const server = imageProfiles.find((profile) => profile.name === (SERVERS.get(name) ?? name) && profile.runs === "serves");
  if (server !== undefined) return ofProfile(server);
  if (SHELLS.has(name)) return ofShell(args, spec);
  if (name === "sleep") {
    const total = args.reduce((sum, arg) => sum + (sleepMs(arg) ?? Number.NaN), 0);
    // A number it cannot read is an error of usage; `sleep` as first process of a container does not listen to TERM.
    return Number.isNaN(total) || args.length === 0 ? ends(1) : { runsMs: total, exitCode: 0, onTerm: "ignored", oomKilled: false };
  }
  const stress = name === "stress" ? stressOf(args, spec) : undefined;
  if (stress !== undefined) return stress;
  try {
    // One command is a script of one line, its words quoted.
    const outcome = runShell(argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" "), spec.env);
    return { runsMs: outcome.runsMs, exitCode: outcome.exitCode, onTerm: "ignored", oomKilled: false };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return { runsMs: FOREVER, exitCode: 0, onTerm: { exitCode: 143 }, oomKilled: false };
  }
}

function ofShell(args: readonly string[], spec: Pick<ContainerSpec, "env">): Program {
  const option = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
  const script = args[option + 1];
  // A shell without a script reads its standard input, which is empty.
  if (option < 0) return args.some((arg) => !arg.startsWith("-")) ? stays() : ends(0);
  if (script === undefined) return ends(2);
  try {
    const outcome = runShell(`${args.some((arg) => /^-[a-z]*e[a-z]*$/.test(arg)) ? "set -e\n" : ""}${script}`, spec.env);
    return { runsMs: outcome.runsMs, exitCode: outcome.exitCode, onTerm: outcome.trapExitCode === undefined ? "ignored" : { exitCode: outcome.trapExitCode }, oomKilled: false };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return stays();
  }
}

/** A shell that waits for something: it does not listen to TERM. */
function stays(): Program {
  return { runsMs: FOREVER, exitCode: 0, onTerm: "ignored", oomKilled: false };
}

function ends(exitCode: number): Program {
  return { runsMs: 0, exitCode, onTerm: "ignored", oomKilled: false };
}

/** `stress --vm-bytes 250M` (and `-mem-total` of vish/stress) beyond the memory limit is killed by the kernel. */
function stressOf(args: readonly string[], spec: Pick<ContainerSpec, "limitMemoryBytes">): Program | undefined {
  const option = args.findIndex((arg) => arg === "--vm-bytes" || arg === "-mem-total");
  const match = option < 0 ? null : /^(\d+)([KMG]?)i?$/i.exec(args[option + 1] ?? "");
  if (match === null) return undefined;
  const bytes = Number(match[1]) * { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[(match[2] ?? "").toUpperCase() as ""];
  const limit = Number(spec.limitMemoryBytes);
  if (limit === 0 || bytes <= limit) return { runsMs: FOREVER, exitCode: 0, onTerm: { exitCode: 143 }, oomKilled: false };
  return { runsMs: 0, exitCode: 137, onTerm: { exitCode: 143 }, oomKilled: true };
}
