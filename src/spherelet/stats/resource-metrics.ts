import { type MetricName, ReadCounter, ReadGauge, type Sample } from "../../base/metric.js";
import { fromTimestamp } from "../../base/timestamp.js";
import type { ContainerUse, HostUse, PodUse } from "./host-use.js";

type Family = readonly [type: typeof ReadCounter | typeof ReadGauge, named: MetricName, samples: (use: HostUse) => readonly Sample[]];

const NANOS = 1e9;
const scrapeError = { name: "resource_scrape_error", help: "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise" };

/** The families of `/metrics/resource` of a kubelet 1.32, in order. */
const families: readonly Family[] = [
  [ReadCounter, { name: "container_cpu_usage_seconds_total", help: "[STABLE] Cumulative cpu time consumed by the container in core-seconds" }, ofContainers(({ cpu }) => Number(cpu.nanos) / NANOS)],
  [ReadGauge, { name: "container_memory_working_set_bytes", help: "[STABLE] Current working set of the container in bytes" }, ofContainers(({ stats }) => Number(stats.memoryWorkingSetBytes))],
  [ReadGauge, { name: "container_start_time_seconds", help: "[STABLE] Start time of the container since unix epoch in seconds" }, ofContainers(({ stats }) => (stats.startedAt === undefined ? 0 : fromTimestamp(stats.startedAt) / 1000), false)],
  [ReadGauge, { name: "container_swap_usage_bytes", help: "[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems" }, ofContainers(() => 0)],
  [ReadCounter, { name: "node_cpu_usage_seconds_total", help: "[STABLE] Cumulative cpu time consumed by the node in core-seconds" }, ofNode(({ cpu }) => Number(cpu.nanos) / NANOS)],
  [ReadGauge, { name: "node_memory_working_set_bytes", help: "[STABLE] Current working set of the node in bytes" }, ofNode(({ memory }) => memory.workingSetBytes)],
  [ReadGauge, { name: "node_swap_usage_bytes", help: "[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems" }, ofNode(() => 0)],
  [ReadCounter, { name: "pod_cpu_usage_seconds_total", help: "[STABLE] Cumulative cpu time consumed by the pod in core-seconds" }, ofPods(({ cpu }) => Number(cpu.nanos) / NANOS)],
  [ReadGauge, { name: "pod_memory_working_set_bytes", help: "[STABLE] Current working set of the pod in bytes" }, ofPods(({ memory }) => memory.workingSetBytes)],
  [ReadGauge, { name: "pod_swap_usage_bytes", help: "[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems" }, ofPods(() => 0)],
  [ReadGauge, scrapeError, () => [{ labels: {}, value: 0 }]],
];

/** The page in parts; a family without a sample is left out. */
export function* resourceMetrics(use: HostUse): Generator<string> {
  for (const [Type, named, samplesOf] of families) {
    const samples = samplesOf(use);
    if (samples.length > 0) yield* new Type(named, () => samples).parts();
  }
}

/** The page when no agent told anything. */
export function scrapeFailed(): readonly string[] {
  return [new ReadGauge(scrapeError, () => 1).text()];
}

function ofNode(value: (use: HostUse) => number): (use: HostUse) => readonly Sample[] {
  return (use) => [{ labels: {}, value: value(use), timestampMs: Math.floor(use.timeMs) }];
}

function ofPods(value: (pod: PodUse) => number): (use: HostUse) => readonly Sample[] {
  return ({ pods }) => pods.map((use) => ({ labels: { namespace: use.pod.metadata.namespace ?? "", pod: use.pod.metadata.name }, value: value(use), timestampMs: Math.floor(use.timeMs) }));
}

function ofContainers(value: (container: ContainerUse) => number, timed = true): (use: HostUse) => readonly Sample[] {
  return ({ pods }) =>
    pods.flatMap(({ pod, timeMs, containers }) =>
      containers.map((container) => ({
        labels: { container: container.stats.name, namespace: pod.metadata.namespace ?? "", pod: pod.metadata.name },
        value: value(container),
        ...(timed ? { timestampMs: Math.floor(timeMs) } : {}),
      })),
    );
}
