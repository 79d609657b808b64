import type { ContainerSpec } from "../../gen/spheresim/crx/v1/agent.js";
import { containerAnnotations } from "../../kubernetes/container-annotations.js";
import { RuntimeError } from "./container-runtime.js";
import { type Health, type ImageProfile, ImageProfiles, type OnTerm, type ResourceUse, waiting, well } from "./image-profiles.js";
import { runShell, sleepMs } from "./shell-run.js";
import { NotUnderstood } from "./shell-syntax.js";

/** What a container's first process does, as far as anybody outside can see. */
export interface Program extends Health, ResourceUse {
  /** Name of the profile it comes from. */
  readonly profile: string;
  /** Emulated milliseconds until it ends by itself; Infinity when it does not. */
  readonly runsMs: number;
  readonly exitCode: number;
  readonly onTerm: OnTerm;
  /** Milliseconds between TERM and its end, where it listens. */
  readonly termTakesMs: number;
  /** It takes more memory than it may have. */
  readonly oomKilled: boolean;
  /** Why it cannot be started; empty when it can. */
  readonly startError: string;
  /** Milliseconds that each of its answers takes. */
  readonly answerTakesMs: number;
}

type Words = Pick<ContainerSpec, "image" | "command" | "args" | "env" | "mounts" | "ports" | "limitMemoryBytes" | "annotations">;

const FOREVER = Number.POSITIVE_INFINITY;
const SHELLS = new Set(["sh", "bash", "ash", "dash"]);
/** Servers by the name of their program, for pods that spell the command out. */
const SERVERS = new Map([["redis-server", "redis"], ["httpd-foreground", "httpd"], ["apache2ctl", "httpd"], ["mysqld", "mysql"], ["mongod", "mongo"]]);

/**
 * What a container runs: the profile that the pod's annotations name, else the pod's command if it names one, else the image's profile.
 * Kubernetes: `command` stands for the image's entrypoint, `args` for its command. What is not understood stays up until it is stopped.
 *
 * Worked example: busybox with `["sh", "-c", "sleep 30 && exit 42"]` runs 30 s, exits 42 and, being a shell, does not listen to TERM.
 *
 * @throws RuntimeError naming a profile that is not there
 */
export function programOf(spec: Words, profiles = new ImageProfiles()): Program {
  const wanted = spec.annotations[containerAnnotations.profile];
  const named = wanted === undefined ? undefined : profiles.named(wanted);
  if (wanted !== undefined && named === undefined) {
    throw new RuntimeError("CreateContainerError", `annotation ${containerAnnotations.profile} "${wanted}": no such image profile; there are ${profiles.names.join(", ")}`);
  }
  const profile = named ?? profiles.of(spec.image);
  return { ...inert, profile: profile.name, ...behaviourOf(spec, profile, named !== undefined, profiles) };
}

const inert = { termTakesMs: 0, startError: "", answerTakesMs: 0 };
type Behaviour = Omit<Program, "profile" | keyof typeof inert>;

/** A pod that asks for a profile by name gets that, whatever its command. */
function behaviourOf(spec: Words, profile: ImageProfile, asked: boolean, profiles: ImageProfiles): Behaviour {
  const [first] = spec.args;
  if (!asked && spec.command.length > 0) return ofCommand([...spec.command, ...spec.args], spec, profiles);
  if (!asked && first !== undefined && profile.argsAreCommand && !first.startsWith("-")) return ofCommand(spec.args, spec, profiles);
  const stress = stressOf(spec.args, spec, false);
  const own = ofProfile({ ...profile, ...(first === undefined || profile.subcommands === undefined || !Object.hasOwn(profile.subcommands, first) ? {} : profile.subcommands[first]) });
  // Words of a command line, mounted files and variables may say where to listen, and a profile that is asked for stands for an image of another make.
  const isTold = asked || first !== undefined || spec.mounts.length > 0 || (profile.portVariable !== undefined && Object.hasOwn(spec.env, profile.portVariable));
  const { ports, tlsPorts } = profile;
  if (stress !== undefined || (isTold && ports !== undefined)) return stress ?? own;
  // On the ports that the pod names it is as plain as on its own.
  return { ...own, ...(ports === undefined ? {} : { ports: [...ports, ...spec.ports] }), ...(tlsPorts === undefined ? {} : { tlsPorts }) };
}

function ofProfile(profile: ImageProfile): Behaviour {
  const { speaks, startedAfterMs, readyAfterMs, unreadyAfterMs, livenessFailsAfterMs, exitCode, onTerm, cpuMilli, memoryBytes } = profile;
  return { speaks, startedAfterMs, readyAfterMs, unreadyAfterMs, livenessFailsAfterMs, exitCode, onTerm, cpuMilli, memoryBytes, runsMs: profile.runs === "serves" ? FOREVER : profile.exitsAfterMs, oomKilled: false };
}

function ofCommand(argv: readonly string[], spec: Words, profiles: ImageProfiles): Behaviour {
  const [path = "", ...args] = argv;
  const name = path.split("/").at(-1) ?? path;
  const server = profiles.named(SERVERS.get(name) ?? name);
  if (server?.runs === "serves") return ofProfile(server);
  if (SHELLS.has(name)) return ofShell(args, spec);
  if (name === "sleep") {
    const total = args.reduce((sum, arg) => sum + (sleepMs(arg) ?? Number.NaN), 0);
    // A number it cannot read is an error of usage; `sleep` as first process of a container does not listen to TERM.
    return Number.isNaN(total) || args.length === 0 ? ends(1) : deaf(total, 0);
  }
  const stress = name === "stress" ? stressOf(args, spec, true) : undefined;
  if (stress !== undefined) return stress;
  try {
    const outcome = runShell(asScript(argv), spec.env);
    return deaf(outcome.runsMs, outcome.exitCode);
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return { ...deaf(FOREVER, 0), onTerm: { exitCode: 143 }, speaks: "anything" };
  }
}

/** One command as a script of one line, its words quoted. */
export function asScript(argv: readonly string[]): string {
  return argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

function ofShell(args: readonly string[], spec: Words): Behaviour {
  const option = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
  const script = args[option + 1];
  // A shell without a script reads its standard input, which is empty.
  if (option < 0) return args.some((arg) => !arg.startsWith("-")) ? stays() : ends(0);
  if (script === undefined) return ends(2);
  try {
    const outcome = runShell(`${args.some((arg) => /^-[a-z]*e[a-z]*$/.test(arg)) ? "set -e\n" : ""}${script}`, spec.env);
    return { ...deaf(outcome.runsMs, outcome.exitCode), onTerm: outcome.trapExitCode === undefined ? "ignored" : { exitCode: outcome.trapExitCode } };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return stays();
  }
}

/** A shell that waits for something: it does not listen to TERM, and what it runs may serve. */
function stays(): Behaviour {
  return { ...deaf(FOREVER, 0), speaks: "anything" };
}

function ends(exitCode: number): Behaviour {
  return deaf(0, exitCode);
}

/** A program that minds its own business. */
function deaf(runsMs: number, exitCode: number): Behaviour {
  return { ...well, ...waiting, speaks: "nothing", runsMs, exitCode, onTerm: "ignored", oomKilled: false };
}

/**
 * `stress --vm-bytes 250M` (and `-mem-total` of vish/stress) beyond the memory limit is killed by the kernel; `--cpu 2` (`-cpus`) keeps two
 * cores busy.
 */
function stressOf(args: readonly string[], spec: Pick<ContainerSpec, "limitMemoryBytes">, isStress: boolean): Behaviour | undefined {
  const word = (...names: readonly string[]): string | undefined => {
    const option = args.findIndex((arg) => names.includes(arg));
    return option < 0 ? undefined : (args[option + 1] ?? "");
  };
  const memory = word("--vm-bytes", "-mem-total");
  const cpus = word("--cpu", "-cpus");
  const match = memory === undefined ? null : /^(\d+)([KMG]?)i?$/i.exec(memory);
  const cores = cpus !== undefined && /^\d{1,4}$/.test(cpus) ? Number(cpus) : 0;
  // `--cpu` of another program than stress means something else.
  if (match === null && (cores === 0 || !(isStress || args.includes("-cpus")))) return undefined;
  const bytes = match === null ? waiting.memoryBytes : Number(match[1]) * { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[(match[2] ?? "").toUpperCase() as ""];
  const limit = Number(spec.limitMemoryBytes);
  const use = { cpuMilli: cores * 1000, memoryBytes: bytes, onTerm: { exitCode: 143 } };
  if (limit === 0 || bytes <= limit) return { ...deaf(FOREVER, 0), ...use };
  return { ...deaf(0, 137), ...use, oomKilled: true };
}
