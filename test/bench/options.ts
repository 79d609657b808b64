import { parseArgs } from "node:util";

/** What a run of the benchmark measures. */
export interface BenchOptions {
  /** Pods of one wave. */
  readonly pods: number;
  readonly hosts: number;
  /** The first wave meets cold code, the last one warm code. */
  readonly waves: number;
  /** Latency profile; with `instant` the world takes no time and only the code is measured. */
  readonly profile: string;
  /** True: JSON on standard output instead of the table; a path: JSON there, too. */
  readonly json: boolean | string;
  /** Directory for a CPU profile of each process. */
  readonly cpuProfile: string | undefined;
}

export const usage = `usage: npm run bench -- [--pods 200] [--hosts 8] [--waves 2] [--profile instant] [--json [FILE]] [--cpu-profile DIR]

Measures one emulator and, in the same run, bare loops on the same machine. Compare ratios of one run, never times of two.
--json         JSON instead of the table, or with FILE both
--cpu-profile  runs every process under node --cpu-prof, keeps the profiles in DIR and names the first causes; slower, so not for figures`;

/** Reads the command line; throws with one line for a user. `--json` may stand with or without a file. */
export function readBenchOptions(words: readonly string[]): BenchOptions {
  const args = words.flatMap((word, index) => (word === "--json" && (words[index + 1] ?? "--").startsWith("--") ? ["--json="] : [word]));
  const { values } = parseArgs({
    args,
    options: {
      pods: { type: "string", default: "200" },
      hosts: { type: "string", default: "8" },
      waves: { type: "string", default: "2" },
      profile: { type: "string", default: "instant" },
      json: { type: "string" },
      "cpu-profile": { type: "string" },
    },
  });
  return {
    pods: positive("--pods", values.pods),
    hosts: positive("--hosts", values.hosts),
    waves: positive("--waves", values.waves),
    profile: values.profile,
    json: values.json === undefined ? false : values.json || true,
    cpuProfile: values["cpu-profile"],
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a positive whole number, not ${JSON.stringify(text)}`);
  return value;
}
