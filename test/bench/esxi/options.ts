import { parseArgs } from "node:util";
import { wholeNumber } from "../bench-options.js";

/** The parts of the measurement. */
export const parts = ["burst", "own", "memory", "idle"] as const;
export type Part = (typeof parts)[number];

/** What a run measures. */
export interface EsxiBenchOptions {
  readonly parts: readonly Part[];
  /** Pods placed at once. */
  readonly pods: number;
  /** How often: the first time meets cold code. */
  readonly waves: number;
  /** Pods that run when the last heap is read. */
  readonly memoryPods: number;
  /** Hosts that idle. */
  readonly hosts: number;
  readonly idleSeconds: number;
  readonly json: string | undefined;
  /** Directory for a CPU profile of each process. */
  readonly cpuProfile: string | undefined;
}

export const usage = `usage: node scripts/bench-esxi.mjs [--parts burst,own,memory,idle] [--pods 200] [--waves 4] [--memory-pods 1000]
       [--hosts 1000] [--idle-seconds 60] [--json FILE] [--cpu-profile DIR]

Measures the process of the ESXi hosts (HostD, CRX, Spherelet) among processes of the other planes, latency profile instant.
burst   pods placed at once, through all fourteen steps, until the last is Ready
own     the ESXi process's part of that: pods are bound already, this script stands for vCenter, scheduler and lifecycle controller
memory  heap a pod takes, from a fifth of the pods to all
idle    many hosts without pods
--cpu-profile  runs every process under node --cpu-prof, keeps the profiles in DIR and names the first causes; slower, so not for figures`;

/** Reads the command line; throws with one line for a user. */
export function readEsxiOptions(args: string[]): EsxiBenchOptions | "help" {
  const { values } = parseArgs({
    args,
    options: {
      parts: { type: "string", default: parts.join(",") },
      pods: { type: "string", default: "200" },
      waves: { type: "string", default: "4" },
      "memory-pods": { type: "string", default: "1000" },
      hosts: { type: "string", default: "1000" },
      "idle-seconds": { type: "string", default: "60" },
      json: { type: "string" },
      "cpu-profile": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const words = values.parts.split(",");
  const unknown = words.find((word) => !parts.some((part) => part === word));
  if (unknown !== undefined) throw new Error(`--parts must be of ${parts.join(", ")}, not "${unknown}"`);
  return {
    parts: parts.filter((part) => words.includes(part)),
    pods: wholeNumber("--pods", values.pods),
    waves: wholeNumber("--waves", values.waves),
    memoryPods: wholeNumber("--memory-pods", values["memory-pods"]),
    hosts: wholeNumber("--hosts", values.hosts),
    idleSeconds: wholeNumber("--idle-seconds", values["idle-seconds"]),
    json: values.json,
    cpuProfile: values["cpu-profile"],
  };
}
