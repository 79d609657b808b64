import { parseArgs } from "node:util";

/** What a run replays, and where its figures go. */
export interface QualityOptions {
  /** Directory of the trace's files. */
  readonly traces: string | undefined;
  readonly seed: number;
  /** The mixed sets are replayed with so many seeds, `seed` the first. */
  readonly seeds: number;
  /** Hosts of the mixed sets. */
  readonly hosts: number;
  readonly json: string | undefined;
  /** Directory for the page and its plot. */
  readonly publish: string | undefined;
}

export const usage = `usage: node scripts/bench-quality.mjs [--traces DIR] [--seed 1] [--seeds 5] [--hosts 48] [--json FILE] [--publish DIR]

Replays arrivals and departures under first fit, Kubernetes' LeastAllocated, and DRS: what is admitted, what demand stays unserved, how far
the loads of hosts lie apart. All but the decisions a second follows from the seed alone. Status 1 where DRS is not the best on a mixed set, or
where a rule was broken.
--traces   directory of openb_node_list_all_node.csv and openb_pod_list_default.csv (Alibaba, cluster-trace-gpu-v2023), to replay them, too;
           this repository keeps no copy, get them from the repository alibaba/clusterdata
--seeds    replay the mixed sets with so many seeds
--publish  write placement-quality.md and placement-quality.svg there`;

/** Reads the command line; throws with one line for a user. */
export function readQualityOptions(words: readonly string[]): QualityOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      traces: { type: "string" },
      seed: { type: "string", default: "1" },
      seeds: { type: "string", default: "5" },
      hosts: { type: "string", default: "48" },
      json: { type: "string" },
      publish: { type: "string" },
    },
  });
  const { traces, json, publish } = values;
  return { traces, json, publish, seed: whole("--seed", values.seed, 0), seeds: whole("--seeds", values.seeds, 1), hosts: whole("--hosts", values.hosts, 8) };
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) throw new Error(`${name} must be a whole number from ${least}, not ${JSON.stringify(text)}`);
  return value;
}
