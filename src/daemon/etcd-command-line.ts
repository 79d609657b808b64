import { UserError } from "../base/user-error.js";
import { readEtcdConfigFile } from "./etcd-config-file.js";
import { environmentName, type EtcdFlag, etcdFlags } from "./etcd-flags.js";

/** Values of etcd's flags, by name, as they were written; a switch is `true` or `false`. */
export type EtcdValues = ReadonlyMap<string, string>;

/** Flags that rooms have too: alone they do not make a command line etcd's. */
const SHARED: ReadonlySet<string> = new Set(["name", "data-dir", "log-level", "help", "version"]);
/** Variables that other programs of etcd's world set. */
const NOT_FLAGS: ReadonlySet<string> = new Set(["version", "help"]);

/**
 * Whether arguments and environment mean etcd's own command line and not the room's: some argument is a flag that only etcd has, or an
 * ETCD_* variable of a flag is set.
 */
export function isEtcdCommandLine(args: readonly string[], environment: NodeJS.ProcessEnv): boolean {
  const flags = args.flatMap((argument) => /^--?([a-z0-9-]+)(?:=|$)/.exec(argument)?.[1] ?? []);
  return flags.some((name) => etcdFlags.has(name) && !SHARED.has(name)) || [...etcdFlags.keys()].some((name) => !NOT_FLAGS.has(name) && environment[environmentName(name)] !== undefined);
}

/**
 * Reads flags as Go does (`-name v`, `--name v`, `--name=v`, a switch alone means true) and ETCD_* for those not given; where they name a
 * configuration file, it alone counts, as with etcd. Throws UserError (usage).
 */
export function readEtcdCommandLine(args: readonly string[], environment: NodeJS.ProcessEnv): EtcdValues {
  const values = new Map<string, string>();
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] as string;
    const [, name, given] = /^--?([^=-][^=]*)(?:=([\s\S]*))?$/.exec(argument) ?? [];
    if (name === undefined) throw usage(`'${argument}' is not a valid flag`);
    const flag = etcdFlags.get(name === "h" ? "help" : name);
    if (flag === undefined) throw usage(`flag provided but not defined: -${name}`);
    if (given !== undefined || flag.kind === "switch") values.set(name === "h" ? "help" : name, checked(name, flag, given ?? "true"));
    else {
      at += 1;
      const next = args[at];
      if (next === undefined) throw usage(`flag needs an argument: -${name}`);
      values.set(name, checked(name, flag, next));
    }
  }
  for (const [name, flag] of etcdFlags) {
    const variable = environment[environmentName(name)];
    if (variable !== undefined && variable !== "" && !values.has(name) && !NOT_FLAGS.has(name)) values.set(name, checked(name, flag, variable, environmentName(name)));
  }
  const path = values.get("config-file") ?? "";
  if (path === "" || values.has("help") || values.has("version")) return values;
  return readEtcdConfigFile(path, (flag, value) => checked(flag, etcdFlags.get(flag) as EtcdFlag, value)).set("config-file", path);
}

const SHAPES = {
  text: /^[\s\S]*$/,
  switch: /^(?:1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/,
  count: /^\d+$/,
  integer: /^-?\d+$/,
  duration: /^(?:0|(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+)$/,
} as const;

function checked(name: string, { kind, fate }: EtcdFlag, given: string, source = `-${name}`): string {
  if (!SHAPES[kind].test(given)) throw usage(`invalid value "${given}" for flag ${source}: must be a ${kind === "switch" ? "boolean" : kind === "count" || kind === "integer" ? "number" : "duration such as 10s"}`);
  const value = kind === "switch" ? String(/^[1tT]/.test(given)) : given;
  if (typeof fate === "object" && "only" in fate && !fate.only.includes(value)) throw usage(`--${name}=${given} is not supported: ${fate.because}`);
  return value;
}

/** Whether Go would take a text as a duration. */
export function isDuration(text: string): boolean {
  return SHAPES.duration.test(text);
}

function usage(message: string): UserError {
  return new UserError("usage", `etcd: ${message}`);
}

const UNITS_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration as Go writes it: `1h30m`, `100ms`. */
export function durationMs(text: string): number {
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) sum += Number(number) * (UNITS_MS[unit as string] as number);
  return sum;
}
