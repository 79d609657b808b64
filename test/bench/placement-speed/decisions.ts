import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { atOnce, type Slices } from "../../../src/base/slices.js";
import { HostSet, type PlacementResult, type PlacementSpec, VerdictDetail } from "../../../src/gen/spheresim/vcenter/v1/placement.js";
import { type Cost, costFrom } from "./cost.js";
import { costOverRpc } from "./over-rpc.js";
import { hostName, podSpec, VMS_PER_HOST, warmCluster, type WarmCluster } from "./cluster.js";

/** Figures of one size of cluster. */
export interface SizeFigures {
  readonly hosts: number;
  readonly vms: number;
  /** One PlaceVm over the whole cluster. */
  readonly single: Cost;
  /** The same with a line for each host in the answer. */
  readonly summary: Cost;
  /** One PlaceVm with every host named, as a curated list names them. */
  readonly listed: Cost;
  /** One PlaceVm that no host can take. */
  readonly refused: Cost;
  /** A pod's part of a batch of 64. */
  readonly batchPod: Cost;
  /** PlaceVm over a loopback connection, client and server in this process. */
  readonly rpc: Cost;
  /** The same with every host named. */
  readonly rpcListed: Cost;
  readonly bytesPerVm: number;
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const BATCH = 64;
/** Decisions before the clock starts to count. */
const WARM_UP = 200;

/** Builds a cluster and measures decisions on it. */
export async function measureSize(hosts: number, decisions: number): Promise<SizeFigures> {
  const before = usedBytes();
  const cluster = warmCluster(hosts);
  const bytesPerVm = (usedBytes() - before) / (hosts * VMS_PER_HOST);
  const list = HostSet.fromPartial({ set: { $case: "hosts", value: { hosts: Array.from({ length: hosts }, (_, host) => ({ key: { $case: "name" as const, value: hostName(host) } })) } } });
  const huge = podSpec(0).config;
  const refused = { config: huge === undefined ? undefined : { ...huge, numCpus: 65 } };
  return {
    hosts,
    vms: hosts * VMS_PER_HOST,
    single: costOf(cluster, decisions, 1, VerdictDetail.NONE, {}),
    summary: costOf(cluster, decisions, 1, VerdictDetail.SUMMARY, {}),
    listed: costOf(cluster, decisions, 1, VerdictDetail.NONE, { hosts: list }),
    refused: costOf(cluster, decisions, 1, VerdictDetail.NONE, refused),
    batchPod: costOf(cluster, Math.ceil(decisions / BATCH) * 2, BATCH, VerdictDetail.NONE, {}),
    rpc: await costOverRpc(cluster, decisions, undefined),
    rpcListed: await costOverRpc(cluster, decisions, list),
    bytesPerVm,
  };
}

function costOf(cluster: WarmCluster, rounds: number, batch: number, detail: VerdictDetail, change: Partial<PlacementSpec>): Cost {
  const clockMs: number[] = [];
  const cpuMs: number[] = [];
  const warmUp = Math.ceil(WARM_UP / batch);
  for (let round = 0; round < warmUp + rounds; round += 1) {
    const specs = Array.from({ length: batch }, (_, index) => podSpec(round * batch + index, change));
    const cpu = process.cpuUsage();
    const fromMs = performance.now();
    if (batch === 1) atOnce(cluster.placements.placeOne(specs[0], { verdictDetail: detail }));
    else atOnce(cluster.placements.placeAll(specs, { verdictDetail: detail }, plain));
    const ms = performance.now() - fromMs;
    const used = process.cpuUsage(cpu);
    for (const { ownerUid } of specs) cluster.holds.dropOwner(ownerUid);
    if (round < warmUp) continue;
    clockMs.push(ms / batch);
    cpuMs.push((used.user + used.system) / 1000 / batch);
  }
  return costFrom(clockMs, cpuMs);
}

function usedBytes(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Results as they are. */
// oxlint-disable-next-line require-yield -- it has nothing to pause for
function* plain(result: PlacementResult): Slices<PlacementResult> {
  return result;
}
