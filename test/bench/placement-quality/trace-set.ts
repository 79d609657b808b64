import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Dice } from "../../../src/base/seeded-random.js";
import { podConfig } from "./guest-configs.js";
import { CORE_MHZ, type Guest, type Request, type Workload, type WorkloadHost } from "./workload.js";

/** Files of Alibaba's cluster-trace-gpu-v2023; the repository keeps no copy of them, for their licence says nothing of it. */
const NODES = "openb_node_list_all_node.csv";
const PODS = "openb_pod_list_default.csv";

/** The trace states requests alone; limits are ours: so much more, but not more than this or the request itself. */
const LIMIT_FACTOR = 1.5;
const LARGEST: Request = { cpuMilli: 64_000, memoryMib: 262_144 };
/** The least part of its limit that a pod uses. */
const LEAST_USE = 0.2;

/** The files of a trace, read. */
export interface TraceFiles {
  readonly nodes: string;
  readonly pods: string;
}

/** Reads the trace; undefined where a file of it is missing. */
export function readTrace(directory: string): TraceFiles | undefined {
  const paths = [join(directory, NODES), join(directory, PODS)] as const;
  if (!paths.every((path) => existsSync(path))) return undefined;
  return { nodes: readFileSync(paths[0], "utf8"), pods: readFileSync(paths[1], "utf8") };
}

/**
 * The pods of the trace at their times on its nodes, or on `hosts` of them, evenly taken from its list: only some fifty pods run at a time, which
 * 1,523 nodes do not notice. GPUs are left aside. Each pod uses, always, a part of its limit drawn by the seed: 20 to 100 %.
 */
export function traceSet({ nodes, pods }: TraceFiles, seed: number, hosts?: number): Workload {
  const all = rowsOf(nodes);
  const taken = hosts === undefined ? all : Array.from({ length: hosts }, (_, index) => all[Math.floor((index * all.length) / hosts)] ?? {});
  const dice = new Dice(seed).fork("trace");
  const guests = rowsOf(pods).map((row) => guestOf(row, dice));
  return {
    name: `trace, ${taken.length} hosts`,
    hosts: taken.map((row): WorkloadHost => ({ name: text(row, "sn"), cores: Math.floor(number(row, "cpu_milli") / 1000), memoryMb: number(row, "memory_mib") })),
    guests,
    rules: [],
    endS: Math.max(...guests.map(({ leaveS }) => leaveS)),
  };
}

type Row = Readonly<Record<string, string>>;

function guestOf(row: Row, dice: Dice): Guest {
  const id = text(row, "name");
  const request = { cpuMilli: number(row, "cpu_milli"), memoryMib: number(row, "memory_mib") };
  const limitOf = (resource: keyof Request): number => (text(row, "qos") === "Guaranteed" ? request[resource] : Math.max(request[resource], Math.min(LARGEST[resource], Math.ceil(request[resource] * LIMIT_FACTOR))));
  const limit = { cpuMilli: limitOf("cpuMilli"), memoryMib: limitOf("memoryMib") };
  const part = LEAST_USE + (1 - LEAST_USE) * dice.next();
  return {
    id,
    config: podConfig(id, request, limit),
    request,
    use: { kind: "constant", always: { cpuMhz: Math.round((part * limit.cpuMilli * CORE_MHZ) / 1000), memoryMb: Math.round(part * limit.memoryMib) } },
    arriveS: number(row, "creation_time"),
    leaveS: number(row, "deletion_time"),
    foundOn: undefined,
  };
}

/** Rows of a CSV file without quotes, by the names in its first line. */
function rowsOf(csv: string): Row[] {
  const [head = "", ...lines] = csv.trimEnd().split("\n");
  const names = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? ""]));
  });
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (value === undefined) throw new Error(`the trace has no column ${column}`);
  return value;
}

function number(row: Row, column: string): number {
  const value = Number(text(row, column));
  if (!Number.isFinite(value)) throw new Error(`column ${column} of the trace has ${JSON.stringify(row[column])}, which is no number`);
  return value;
}
