import { fromTimestamp } from "../../base/timestamp.js";
import type { VolumeStats } from "../../gen/spheresim/crx/v1/stats.js";
import { formatTime, parseTime } from "../../kubernetes/timestamp.js";
import { type ContainerUse, type CpuUse, type HostUse, type MemoryUse, memoryOf, type PodUse } from "./host-use.js";

/** Pods in one part of an answer. */
const PODS_PER_PART = 10;
/** As Go's JSON is indented by a kubelet. */
const INDENT = 1;

/**
 * A Summary of `stats/v1alpha1` in parts, the JSON of `/stats/summary`; `cpuAndMemory` leaves everything else out. What nobody measures is absent,
 * as its fields are optional: page faults, file systems of the host, its network, process limits. A pod's files are counted in full; its network has
 * passed no byte, for no program runs.
 */
export function* summaryOf(use: HostUse, cpuAndMemory: boolean): Generator<string> {
  yield `{\n "node": ${inner(nodeOf(use))},\n "pods": [`;
  for (let index = 0; index < use.pods.length; index += PODS_PER_PART) {
    const part = use.pods.slice(index, index + PODS_PER_PART).map((pod) => inner(podOf(pod, cpuAndMemory), 2));
    yield `${index === 0 ? "" : ","}\n  ${part.join(",\n  ")}`;
  }
  yield `${use.pods.length === 0 ? "" : "\n "}]\n}`;
}

/** JSON of a value that stands so many levels deep. */
function inner(value: object, depth = 1): string {
  return JSON.stringify(value, undefined, INDENT).replaceAll("\n", `\n${" ".repeat(depth)}`);
}

function nodeOf({ nodeName, startedMs, timeMs, cpu, memory, memoryCapacityBytes }: HostUse): object {
  return { nodeName, startTime: formatTime(startedMs), cpu: cpuOf(cpu, timeMs), memory: memoryOfAny(memory, timeMs, memoryCapacityBytes), swap: noSwap(timeMs) };
}

function podOf({ pod, stats, timeMs, containers, cpu, memory }: PodUse, cpuAndMemory: boolean): object {
  const { name, namespace, uid } = pod.metadata;
  const limits = stats.containers.map(({ memoryLimitBytes }) => Number(memoryLimitBytes));
  // Where one container has no limit the pod has none.
  const limitBytes = limits.includes(0) ? 0 : limits.reduce((sum, limit) => sum + limit, 0);
  const time = formatTime(timeMs);
  const written = stats.volumes.filter(({ emptyDir }) => emptyDir).reduce((sum, { usedBytes }) => sum + Number(usedBytes), 0);
  return {
    podRef: { name, namespace, uid },
    startTime: formatTime(parseTime(pod.status?.startTime) ?? timeMs),
    containers: containers.map((each) => containerOf(each, timeMs, cpuAndMemory)),
    cpu: cpuOf(cpu, timeMs),
    memory: memoryOfAny(memory, timeMs, limitBytes),
    ...(cpuAndMemory
      ? {}
      : {
          network: { time, ...idleNic, interfaces: [idleNic] },
          ...(stats.volumes.length === 0 ? {} : { volume: stats.volumes.map((volume) => volumeOf(volume, time)) }),
          "ephemeral-storage": { time, usedBytes: written },
        }),
    swap: noSwap(timeMs),
  };
}

function containerOf({ stats, cpu }: ContainerUse, timeMs: number, cpuAndMemory: boolean): object {
  const time = formatTime(timeMs);
  return {
    name: stats.name,
    startTime: formatTime(stats.startedAt === undefined ? timeMs : fromTimestamp(stats.startedAt)),
    cpu: cpuOf(cpu, timeMs),
    memory: memoryOfAny(memoryOf(stats), timeMs, Number(stats.memoryLimitBytes)),
    // No program runs: nothing was written to its layer, nor to its log.
    ...(cpuAndMemory ? {} : { rootfs: { time, usedBytes: 0, inodesUsed: 0 }, logs: { time, usedBytes: 0, inodesUsed: 0 } }),
    swap: noSwap(timeMs),
  };
}

function cpuOf({ nanos, nanoCores }: CpuUse, timeMs: number): object {
  return { time: formatTime(timeMs), usageNanoCores: nanoCores, usageCoreNanoSeconds: Number(nanos) };
}

/** What is available is told where there is a limit, and is never less than nothing. */
function memoryOfAny({ usageBytes, workingSetBytes, rssBytes }: MemoryUse, timeMs: number, limitBytes: number): object {
  const available = limitBytes === 0 ? {} : { availableBytes: Math.max(0, limitBytes - workingSetBytes) };
  return { time: formatTime(timeMs), ...available, usageBytes, workingSetBytes, rssBytes };
}

/** A CRX instance has no disk to swap to. */
function noSwap(timeMs: number): object {
  return { time: formatTime(timeMs), swapAvailableBytes: 0, swapUsageBytes: 0 };
}

const idleNic = { name: "eth0", rxBytes: 0, rxErrors: 0, txBytes: 0, txErrors: 0 } as const;

function volumeOf({ name, usedBytes, inodesUsed, capacityBytes }: VolumeStats, time: string): object {
  const bound = capacityBytes === 0n ? {} : { availableBytes: Math.max(0, Number(capacityBytes - usedBytes)), capacityBytes: Number(capacityBytes) };
  return { time, ...bound, usedBytes: Number(usedBytes), inodesUsed: Number(inodesUsed), name };
}
