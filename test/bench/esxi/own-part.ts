import { monotonicClock } from "../../../src/base/clock.js";
import type { ReadyLine } from "../../../src/base/ready-line.js";
import { HostServiceClient } from "../../../src/gen/spheresim/hostd/v1/host_service.js";
import { SphereletServiceClient } from "../../../src/gen/spheresim/spherelet/v1/spherelet_service.js";
import type { Pod } from "../../../src/kubernetes/pod.js";
import { pods as podType } from "../../../src/kubernetes/resource-type.js";
import type { RestClient } from "../../../src/kubernetes/rest-client.js";
import { lifecycleFinalizer, podVmAnnotations } from "../../../src/kubernetes/vsphere-pod.js";
import { type Channel, openChannel } from "../../../src/rpc/channel.js";
import { crxSpec } from "../../hostd/vm-specs.js";
import { administrator } from "../../support/administrator.js";
import { type Distribution, distributionOf } from "../distribution.js";
import type { ByProcess } from "../figures.js";
import { cpuSince, processUses } from "../process-use.js";
import { isReady, podNames, webPod } from "./pods.js";
import { watchesOf, type Watches } from "./watches.js";

/** What the ESXi process takes of a burst when the other planes do not hold it up. */
export interface OwnPart {
  readonly waves: readonly OwnWave[];
  /** What the process follows, and over what. */
  readonly watches: Watches;
}

/** One burst of pods that are bound already. */
export interface OwnWave {
  /** From the first CreateVm to the last Ready, seen by a watch. */
  readonly lastReadyMs: number;
  /** From a pod's own CreateVm to its Ready. */
  readonly createVmToReady: Distribution;
  /** `bench` is this script, which stands for vCenter, scheduler and lifecycle controller. */
  readonly cpuMsPerPod: ByProcess;
}

/** What runs beside the ESXi process: the API server and its store. */
export const besideRooms = ["vcenter", "controllers", "scheduler", "lifecycle", "emulator"] as const;
const planes = ["store", "esxi", "kubernetes"];
const limitMs = 60_000;
const behindMs = 3_000;

/** Has pods that are bound already become Ready, so many times. */
export async function measureOwnPart(ready: ReadyLine, hosts: readonly string[], pods: number, waves: number, say: (line: string) => void): Promise<OwnPart> {
  const client = administrator(ready);
  const hostd = openChannel({ address: ready.endpoints["esxi"] ?? "" });
  const spherelet = openChannel({ address: ready.endpoints["spherelet"] ?? "" });
  const measured: OwnWave[] = [];
  try {
    for (let wave = 1; wave <= waves; wave++) {
      measured.push(await measureWave(ready, { client, hostd, spherelet }, hosts, podNames(`own-${wave}`, pods), wave));
      say(`own part ${wave} of ${waves}: ${pods} bound pods Ready in ${measured.at(-1)?.lastReadyMs.toFixed(0)} ms`);
    }
    return { waves: measured, watches: await watchesOf(ready, client) };
  } finally {
    hostd.close();
    spherelet.close();
    await client.close();
  }
}

async function measureWave(ready: ReadyLine, to: { readonly client: RestClient; readonly hostd: Channel; readonly spherelet: Channel }, hosts: readonly string[], names: readonly string[], wave: number): Promise<OwnWave> {
  const clock = monotonicClock();
  const host = to.hostd.client(HostServiceClient);
  const agent = to.spherelet.client(SphereletServiceClient);
  const numbers = new Map(names.map((name, index) => [name, wave * 10_000 + index]));
  const bound = await Promise.all(names.map((name, index) => to.client.create(podType, boundPod(name, hosts[index % hosts.length] ?? "", numbers.get(name) ?? 0))));
  await clock.sleep(behindMs);
  const startedMs = new Map<string, number>();
  const readyMs = new Map<string, number>();
  const { metadata } = await to.client.list(podType);
  const follow = async (): Promise<void> => {
    for await (const event of to.client.watch(podType, { resourceVersion: metadata.resourceVersion, signal: AbortSignal.timeout(limitMs) })) {
      if (event.type !== "MODIFIED" || !isReady(event.object) || readyMs.has(event.object.metadata.name)) continue;
      readyMs.set(event.object.metadata.name, clock.nowMs());
      if (readyMs.size === names.length) return;
    }
    throw new Error(`${readyMs.size} of ${names.length} pods became Ready within ${limitMs / 1000} s`);
  };
  const start = async (pod: Pod): Promise<void> => {
    const { name, namespace = "", uid } = pod.metadata;
    const authority = pod.spec.nodeName ?? "";
    const config = crxSpec(numbers.get(name) ?? 0, { name, ownerUid: uid, cpuAllocation: { reservation: 50, limit: undefined, shares: undefined } });
    startedMs.set(name, clock.nowMs());
    await host.createVm({ requestId: "", config, powerOn: true }, { authority });
    await agent.configurePod({ requestId: "", namespace, name, podUid: uid, vmUuid: config.uuid, podJson: Buffer.from(JSON.stringify(pod)) }, { authority });
  };
  const before = processUses(ready, planes);
  const ownBefore = process.cpuUsage();
  const fromMs = clock.nowMs();
  const all = follow();
  await Promise.all([...bound.map(start), all]);
  const lastReadyMs = clock.nowMs() - fromMs;
  const own = process.cpuUsage(ownBefore);
  return {
    lastReadyMs,
    createVmToReady: distributionOf(names.map((name) => (readyMs.get(name) ?? Number.NaN) - (startedMs.get(name) ?? Number.NaN))),
    cpuMsPerPod: { ...cpuSince(before, processUses(ready, planes), names.length), bench: (own.user + own.system) / 1000 / names.length },
  };
}

/** A pod as it stands after step 10, but for its VM. */
function boundPod(name: string, nodeName: string, number: number) {
  const { metadata, spec } = webPod(name);
  const annotations = {
    [podVmAnnotations.vmUuid]: crxSpec(number).uuid,
    [podVmAnnotations.mac]: `04:50:56:00:${hex(number).slice(-4, -2)}:${hex(number).slice(-2)}`,
    [podVmAnnotations.vlan]: "None",
    [podVmAnnotations.attachmentId]: `port-${number}`,
    [podVmAnnotations.podIp]: `10.244.${(number >> 8) & 255}.${number & 255}`,
  };
  return { metadata: { ...metadata, annotations, finalizers: [lifecycleFinalizer] }, spec: { ...spec, nodeName } };
}

function hex(number: number): string {
  return number.toString(16).padStart(12, "0");
}
