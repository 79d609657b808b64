import type { ReadyLine } from "../../src/base/ready-line.js";
import type { RestClient } from "../../src/kubernetes/rest-client.js";
import type { EtcdClient } from "../../src/rpc/etcd-client.js";
import { HISTORY } from "../../src/vcenter/store/keyspace.js";
import { apiserverMetrics, increase, type Metrics, metricsOf } from "./metrics.js";

/** Calls by method (`PlacementService/PlaceVms`) or by verb and resource (`PATCH pods/status`). */
export type Calls = Readonly<Record<string, number>>;

/** What went over the wires between two readings. */
export interface WireIncrease {
  /** Unary calls that a pod's placement waits for. */
  readonly criticalPath: Calls;
  /** Unary calls of the background: events, heartbeats, what the measurement itself asked. */
  readonly background: Calls;
  /** Calls of the store by method. */
  readonly store: Calls;
  /** Synced writes of the store. */
  readonly storeCommits: number;
  /** Commits of the hosts to their disks. */
  readonly hostCommits: number;
  /** Synced writes that made them durable. */
  readonly hostSyncs: number;
}

/** One reading of every room's `/metrics`. */
export interface WireCounts {
  since(before: WireCounts): WireIncrease;
  readonly pages: ReadonlyMap<string, Metrics>;
}

/** What nobody's placement waits for: events, heartbeats of Nodes, the orphan sweep's lists, and what a test or benchmark asks. */
const background = [/^\w+ events$/, /^\w+ leases$/, /^\w+ nodes\/status$/, /^\w+ images(?:\/status)?$/, /^LIST /, /^InventoryService\/(?:Get|List)/, /^VirtualMachineService\/ListVms$/, /^EmulatorService\//, /^Health\//];

/** Reads the counters of every room that runs. */
export async function wireCounts(ready: ReadyLine, client: RestClient): Promise<WireCounts> {
  const rooms = ["etcd", "vcenter", "esxi", "spherelet", "crx", "scheduler", "emulator"].filter((room) => ready.endpoints[room] !== undefined);
  const grpc = await Promise.all(rooms.map(async (room) => [room, await metricsOf(ready.endpoints[room] ?? "")] as const));
  const pages = new Map<string, Metrics>([...grpc, ["apiserver", await apiserverMetrics(client)]]);
  return { pages, since: (before) => difference(before.pages, pages) };
}

function difference(before: ReadonlyMap<string, Metrics>, after: ReadonlyMap<string, Metrics>): WireIncrease {
  const grown = (room: string): Metrics => increase(before.get(room) ?? new Map(), after.get(room) ?? new Map());
  const criticalPath: Record<string, number> = {};
  const aside: Record<string, number> = {};
  for (const room of after.keys()) {
    if (room === "etcd") continue;
    for (const [call, count] of unaryCalls(grown(room))) {
      const kind = background.some((pattern) => pattern.test(call)) ? aside : criticalPath;
      kind[call] = (kind[call] ?? 0) + count;
    }
  }
  const [etcd, esxi] = [grown("etcd"), grown("esxi")];
  return {
    criticalPath,
    background: aside,
    store: Object.fromEntries(unaryCalls(etcd)),
    storeCommits: etcd.get("spheresim_etcd_disk_commits_total") ?? 0,
    hostCommits: esxi.get("spheresim_host_disk_commits_total") ?? 0,
    hostSyncs: esxi.get("spheresim_host_disk_syncs_total") ?? 0,
  };
}

/** Unary calls of one page. A watch is no call: it stays. */
function unaryCalls(metrics: Metrics): [string, number][] {
  return [...metrics].flatMap(([sample, count]): [string, number][] => {
    const labels = Object.fromEntries([...sample.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1] ?? "", match[2] ?? ""]));
    if (sample.startsWith("grpc_server_handled_total") && labels["grpc_type"] === "unary") return [[`${labels["grpc_service"]?.split(".").at(-1)}/${labels["grpc_method"]}`, count]];
    if (sample.startsWith("apiserver_request_total") && labels["verb"] !== "WATCH") {
      return [[`${labels["verb"]} ${labels["resource"]}${labels["subresource"] === "" ? "" : `/${labels["subresource"]}`}`, count]];
    }
    return [];
  });
}

/** Durable Txns of the store in (from, to], by the first prefix that their keys carry. */
export interface DurableTxns {
  /** What a pod's placement waits for. */
  readonly criticalPath: Calls;
  /** Journal, events, heartbeats. */
  readonly background: Calls;
}

const onThePath = ["/registry/pods/", "/spheresim/vcenter/"];

/** Reads the store's own history: a durable Txn is a revision. */
export async function durableTxns(etcd: EtcdClient, from: number, to: number): Promise<DurableTxns> {
  const prefixes = new Map<number, string>();
  if (to > from) {
    for await (const { revision, events } of etcd.watch({ prefix: "/", fromRevision: from + 1 })) {
      for (const event of events) if (event.revision <= to) prefixes.set(event.revision, prefixOf(event.key));
      if (revision >= to) break;
    }
  }
  const criticalPath: Record<string, number> = {};
  const background: Record<string, number> = {};
  for (const prefix of prefixes.values()) {
    const kind = onThePath.includes(prefix) ? criticalPath : background;
    kind[prefix] = (kind[prefix] ?? 0) + 1;
  }
  return { criticalPath, background };
}

/** `/registry/pods/default/a` is `/registry/pods/`, `/spheresim/vcenter/vms/vm-7` is `/spheresim/vcenter/`; the history of vCenter, for which nobody waits, is apart. */
function prefixOf(key: string): string {
  if (key.startsWith(HISTORY)) return HISTORY;
  return `${key.split("/").slice(0, 3).join("/")}/`;
}
