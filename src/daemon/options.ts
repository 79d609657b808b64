import { join } from "node:path";
import { z } from "zod";
import { Ipv4Range, MacRange } from "../base/address-range.js";
import { durationSeconds } from "../base/duration-text.js";
import { stateHome } from "../base/state-home.js";
import { UserError } from "../base/user-error.js";
import { roomNames } from "./room-name.js";
import { readYamlFile } from "./yaml-file.js";

const wholeNumber = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number({ error }).int({ error }).min(least, { error }).max(most, { error });
};
/** One of a few words. */
const choice = <const Words extends readonly [string, ...string[]]>(words: Words) => z.enum(words, { error: `choose one of: ${words.join(", ")}` });
const list = z.union([z.array(z.string()), z.string().transform((text) => text.split(",").filter((part) => part !== ""))]);
/** A text that something can be made of: it says itself what is wrong with one. */
const readable = (make: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    try {
      make(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
    }
  });
/** Ranges that others in an emulator hand out, and who does. */
const rangesInUse: readonly (readonly [cidr: string, what: string])[] = [
  ["10.96.0.0/16", "the cluster addresses of Services"],
  // 1,000 hosts of 256 addresses each.
  ...[245, 246, 247, 248].map((second) => [`10.${second}.0.0/16`, "addresses that Spherelets give to pods without one"] as const),
];

function freeRange(cidr: string): void {
  const range = new Ipv4Range(cidr);
  for (const [taken, what] of rangesInUse) if (range.overlaps(new Ipv4Range(taken))) throw new RangeError(`overlaps ${taken}, ${what}`);
}

const flag = z.union([z.boolean(), z.enum(["true", "false", "1", "0"]).transform((text) => text === "true" || text === "1")]);
/** Shorter, and a busy machine's Nodes would seem dead. */
const SHORTEST_GRACE_SECONDS = 2;
const LONGEST_GRACE_SECONDS = 3600;
const gracePeriod = z.union([z.string(), z.number()]).transform((given, context) => {
  const seconds = durationSeconds(String(given));
  if (seconds !== undefined && Number.isInteger(seconds) && seconds >= SHORTEST_GRACE_SECONDS && seconds <= LONGEST_GRACE_SECONDS) return seconds;
  context.addIssue({ code: "custom", message: "must be a duration from 2s to 1h, in whole seconds" });
  return z.NEVER;
});

/**
 * Everything `up` can be told, by flag, by environment (`SPHERESIM_DATA_DIR` ...) or by a YAML file (`--config`), in that order of
 * precedence. One schema gives types, defaults and error texts.
 */
const schema = z.strictObject({
  /** Name of the emulator; chooses its data directory. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and dashes").default("default"),
  /** Directory of all state; `$XDG_STATE_HOME/spheresim/<name>` when absent. */
  dataDir: z.string().optional(),
  /** Number of hosts of the default inventory. */
  hosts: wholeNumber(1, 1000).default(4),
  /** YAML inventory instead of the default one. */
  inventory: z.string().optional(),
  /** YAML file of image profiles: what images run whose pods name no command. */
  imageProfiles: z.string().optional(),
  /** Latency profile: how long the world takes. */
  profile: choice(["instant", "article", "supervisor-1.21"]).default("instant"),
  /** Seed of ids, MACs and tie-breaks. */
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(1),
  /** `block`: one block from `portBase`; `standard`: 2379, 6443 and 10250 where the world expects them; `auto`: free ones. */
  ports: choice(["block", "standard", "auto"]).default("block"),
  /** First number of the block. */
  portBase: wholeNumber(1, 65_535).default(7430),
  /** Rooms that are left out, to be replaced by something of one's own. */
  without: list.pipe(z.array(choice(roomNames))).default([]),
  /** A real etcd cluster instead of the embedded store. */
  etcdEndpoints: list.default([]),
  /** How many processes: all rooms in one, one a plane, one a room. */
  processes: choice(["one", "planes", "rooms"]).default("planes"),
  /** Who picks among the nodes Kubernetes leaves: DRS, or Kubernetes alone by its score (the article's comparison). */
  decider: choice(["drs", "kubernetes"]).default("drs"),
  /**
   * How long a Node may say nothing before it is not Ready any more, seconds: kube-controller-manager's flag of this name. Spherelets renew their
   * Leases four times in it, as a kubelet does by its nodeLeaseDurationSeconds.
   */
  nodeGrace: gracePeriod.default(40),
  /** Mutual TLS on every gRPC port (apiserver and kubelet API always have it). */
  tls: flag.default(false),
  /** Range of the pods' addresses. */
  podCidr: readable(freeRange).default("10.244.0.0/16"),
  /** The first and the last of the pods' MACs; these stand under NSX' prefix. */
  podMacs: readable((text) => new MacRange(text)).default("04:50:56:00:00:00-04:50:56:ff:ff:ff"),
  /** End when the process that started this one ends, however it ends. */
  exitWithParent: flag.default(false),
  /** Log level of every process, on standard error. */
  logLevel: choice(["debug", "info", "warn", "error", "silent"]).default("warn"),
});

/** Options of one emulator, complete. */
export type UpOptions = Omit<z.infer<typeof schema>, "dataDir"> & { readonly dataDir: string };

/** Reads options from flags, environment and file; throws UserError (usage) naming the first value that does not do. */
export function readOptions(flags: Readonly<Record<string, unknown>>, environment: NodeJS.ProcessEnv, configFile?: string): UpOptions {
  const around = { ...fromFile(configFile), ...fromEnvironment(environment) };
  // A name given by flag means that emulator's directory, whatever `eval "$(spheresim env)"` has left in this shell.
  if (flags["name"] !== undefined) delete around["dataDir"];
  const merged: Record<string, unknown> = { ...around, ...flags };
  const result = schema.safeParse(merged);
  if (!result.success) {
    const issue = result.error.issues[0];
    const option = String(issue?.path[0] ?? "");
    throw new UserError("usage", `option ${asGiven(option, flags, environment)} "${String(merged[option])}": ${issue?.message ?? "invalid"}`, "see spheresim up --help");
  }
  const options = result.data;
  return { ...options, dataDir: options.dataDir ?? join(stateHome(environment), options.name) };
}

/** The option as the person wrote it: `--port-base`, `SPHERESIM_PORT_BASE`, or `portBase` of a file. */
function asGiven(option: string, flags: Readonly<Record<string, unknown>>, environment: NodeJS.ProcessEnv): string {
  if (flags[option] !== undefined) return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return (environment[variableOf(option)] ?? "") === "" ? option : variableOf(option);
}

function variableOf(option: string): string {
  return `SPHERESIM_${option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const found: Record<string, string> = {};
  for (const key of Object.keys(schema.shape)) {
    const value = environment[variableOf(key)];
    if (value !== undefined && value !== "") found[key] = value;
  }
  return found;
}

function fromFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {};
  const file = readYamlFile(path, "config file", "mend the file or leave --config out");
  const content = file.content ?? {};
  if (typeof content !== "object" || Array.isArray(content)) return file.refuse([], "must be a mapping of option names, for example hosts: 8");
  for (const key of Object.keys(content)) if (!Object.hasOwn(schema.shape, key)) file.refuse([key], "is no option");
  return content as Record<string, unknown>;
}
