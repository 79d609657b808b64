import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { silentLogger } from "../../src/base/log.js";
import { toTimestamp } from "../../src/base/timestamp.js";
import { ContainerStats, PodStats } from "../../src/gen/spheresim/crx/v1/stats.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { resourceMetrics, scrapeFailed } from "../../src/spherelet/stats/resource-metrics.js";
import { StatsCollector } from "../../src/spherelet/stats/stats-collector.js";
import { summaryOf } from "../../src/spherelet/stats/summary.js";
import { vmkernelUse } from "../../src/spherelet/stats/vmkernel-use.js";

const START_MS = Date.UTC(2026, 0, 1);
const host = { name: "esxi-01.spheresim.test", cores: 16, memoryMb: 1024, labels: {}, podCidr: "10.245.0.0/24", address: "127.0.0.1" };

const podNamed = (name: string): Pod => ({ metadata: { name, namespace: "default", uid: `uid-${name}` }, spec: { containers: [{ name: "web", image: "nginx" }] }, status: { startTime: "2026-01-01T00:00:00Z" } }) as unknown as Pod;

/** What an agent says of a pod that has run for a minute with a quarter of a core. */
function statsOf(vmUuid: string): PodStats {
  const web = ContainerStats.create({ name: "web", containerId: `c-${vmUuid}`, startedAt: toTimestamp(START_MS), cpuNanos: 15_000_000_000n, memoryUsageBytes: 70n, memoryWorkingSetBytes: 64n, memoryRssBytes: 60n, memoryLimitBytes: 100n });
  const volumes = [{ name: "config", emptyDir: false, usedBytes: 7n, inodesUsed: 4n, capacityBytes: 0n }, { name: "scratch", emptyDir: true, usedBytes: 0n, inodesUsed: 1n, capacityBytes: 1_000n }];
  return PodStats.create({ vmUuid, podUid: `uid-${vmUuid}`, time: toTimestamp(START_MS + 60_000), containers: [web], volumes });
}

/** A host with pods whose agents are at two addresses, and what they were asked. */
function world(count: number, answer: (address: string, vmUuids: readonly string[]) => Promise<readonly PodStats[]> = (_, uuids) => Promise.resolve(uuids.map(statsOf))) {
  const clock = new ManualClock(START_MS + 60_000);
  const back = { ms: 0 };
  const calls: [string, number][] = [];
  const pods = Array.from({ length: count }, (_, index) => podNamed(`p${index}`));
  const collector = new StatsCollector({
    host,
    pods: () => pods,
    agentOf: (uid) => (uid === "uid-p0" && count > 1 ? undefined : { address: Number(uid.slice(5)) % 3 === 1 ? "agents-b" : "agents-a", vmUuid: uid.slice(4) }),
    agents: {
      listPodStats: (address, uuids) => {
        calls.push([address, uuids.length]);
        return answer(address, uuids);
      },
    },
    clock: { nowMs: () => clock.nowMs() - back.ms, sleep: clock.sleep.bind(clock), timer: clock.timer.bind(clock) },
    log: silentLogger,
  });
  return { collector, calls, clock, back };
}

test("a thousand pods are asked for in batches of fifty, each machine process by itself, and every part of the answers is small", async () => {
  const { collector, calls } = world(1_000);
  const use = await collector.use();
  assert.deepEqual([use.pods.length, calls.length, Math.max(...calls.map(([, count]) => count))], [999, 21, 50]);
  const host = { nanoCores: 160_000_000, bytes: 16 * 1024 ** 2 };
  assert.deepEqual([use.cpu.nanos, use.cpu.nanoCores, use.memory.workingSetBytes], [999n * 15_000_000_000n, 999 * 250_000_000 + host.nanoCores, 999 * 64 + host.bytes]);
  for (const parts of [[...summaryOf(use, false)], [...resourceMetrics(use)]]) assert.ok(parts.every((part) => part.length < 48_000), `${Math.max(...parts.map((part) => part.length))} characters`);
  assert.equal((JSON.parse([...summaryOf(use, false)].join("")) as { readonly pods: readonly unknown[] }).pods.length, 999);
});

test("who asks while an answer is on its way gets that one; who asks later asks again", async () => {
  const gate = deferred<void>();
  const { collector, calls } = world(1, async (_, uuids) => {
    await gate.promise;
    return uuids.map(statsOf);
  });
  const asked = Array.from({ length: 50 }, () => collector.use());
  gate.resolve();
  assert.equal(new Set(await Promise.all(asked)).size, 1);
  assert.equal(calls.length, 1);
  await collector.use();
  assert.equal(calls.length, 2);
});

test("pods of an agent that does not answer are left out; when nobody answers that is said", async () => {
  const half = world(7, (address, uuids) => (address === "agents-b" ? Promise.reject(new Error("gone")) : Promise.resolve(uuids.map(statsOf))));
  assert.deepEqual((await half.collector.use()).pods.map(({ pod }) => pod.metadata.name), ["p2", "p3", "p5", "p6"]);
  await assert.rejects(world(3, () => Promise.reject(new Error("gone"))).collector.use(), { message: "gone" });
  assert.deepEqual((await world(0).collector.use()).pods, []);
  // The VM of a pod is another pod's by now.
  assert.deepEqual((await world(1, () => Promise.resolve([{ ...statsOf("p0"), podUid: "uid-other" }])).collector.use()).pods, []);
});

test("the worked example of the VMkernel: 16 cores use 1.6 s in 10 s, 64 GiB hold 1 GiB of it; a clock set back takes nothing away", async () => {
  assert.deepEqual(vmkernelUse({ cores: 16, memoryMb: 65_536 }, 10_000), { cpu: { nanos: 1_600_000_000n, nanoCores: 160_000_000 }, memory: { usageBytes: 1024 ** 3, workingSetBytes: 1024 ** 3, rssBytes: 1024 ** 3 } });
  const { collector, clock, back } = world(0);
  await clock.advance(10_000);
  assert.equal((await collector.use()).cpu.nanos, 1_600_000_000n);
  back.ms = 5_000;
  assert.equal((await collector.use()).cpu.nanos, 1_600_000_000n);
});

test("the Summary, in full and of CPU and memory alone", async () => {
  const use = await world(1).collector.use();
  const read = (only: boolean): unknown => JSON.parse([...summaryOf(use, only)].join(""));
  const time = "2026-01-01T00:01:00Z";
  const swap = { time, swapAvailableBytes: 0, swapUsageBytes: 0 };
  const cpu = { time, usageNanoCores: 250_000_000, usageCoreNanoSeconds: 15_000_000_000 };
  const memory = { time, availableBytes: 36, usageBytes: 70, workingSetBytes: 64, rssBytes: 60 };
  // The VMkernel of 16 cores and 1 GiB beside the pod.
  const own = 16 * 1024 ** 2;
  const nodeMemory = { time, availableBytes: 1024 ** 3 - own - 64, usageBytes: own + 70, workingSetBytes: own + 64, rssBytes: own + 60 };
  const node = { nodeName: host.name, startTime: time, cpu: { ...cpu, usageNanoCores: 410_000_000 }, memory: nodeMemory, swap };
  const container = { name: "web", startTime: "2026-01-01T00:00:00Z", cpu, memory, swap };
  const pod = { podRef: { name: "p0", namespace: "default", uid: "uid-p0" }, startTime: "2026-01-01T00:00:00Z", containers: [container], cpu, memory, swap };
  assert.deepEqual(read(true), { node, pods: [pod] });
  const nic = { name: "eth0", rxBytes: 0, rxErrors: 0, txBytes: 0, txErrors: 0 };
  const nothing = { time, usedBytes: 0, inodesUsed: 0 };
  assert.deepEqual(read(false), {
    node,
    pods: [
      {
        ...pod,
        containers: [{ ...container, rootfs: nothing, logs: nothing }],
        network: { time, ...nic, interfaces: [nic] },
        volume: [{ time, usedBytes: 7, inodesUsed: 4, name: "config" }, { time, availableBytes: 1_000, capacityBytes: 1_000, usedBytes: 0, inodesUsed: 1, name: "scratch" }],
        "ephemeral-storage": { time, usedBytes: 0 },
      },
    ],
  });
  // Indented by one, as a kubelet writes.
  const text = [...summaryOf(use, true)].join("");
  assert.equal(text, JSON.stringify(JSON.parse(text), undefined, 1));
  assert.equal([...summaryOf({ ...use, pods: [] }, true)].join("").slice(-16), '},\n "pods": []\n}');
});

test("the metrics of a resource scrape, byte by byte", async () => {
  const at = Date.UTC(2026, 0, 1, 0, 1);
  const container = '{container="web",namespace="default",pod="p0"}';
  const pod = '{namespace="default",pod="p0"}';
  const expected = [
    ["container_cpu_usage_seconds_total", "counter", "[STABLE] Cumulative cpu time consumed by the container in core-seconds", `${container} 15 ${at}`],
    ["container_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the container in bytes", `${container} 64 ${at}`],
    ["container_start_time_seconds", "gauge", "[STABLE] Start time of the container since unix epoch in seconds", `${container} 1767225600`],
    ["container_swap_usage_bytes", "gauge", "[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems", `${container} 0 ${at}`],
    ["node_cpu_usage_seconds_total", "counter", "[STABLE] Cumulative cpu time consumed by the node in core-seconds", ` 15 ${at}`],
    ["node_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the node in bytes", ` 16777280 ${at}`],
    ["node_swap_usage_bytes", "gauge", "[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems", ` 0 ${at}`],
    ["pod_cpu_usage_seconds_total", "counter", "[STABLE] Cumulative cpu time consumed by the pod in core-seconds", `${pod} 15 ${at}`],
    ["pod_memory_working_set_bytes", "gauge", "[STABLE] Current working set of the pod in bytes", `${pod} 64 ${at}`],
    ["pod_swap_usage_bytes", "gauge", "[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems", `${pod} 0 ${at}`],
    ["resource_scrape_error", "gauge", "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise", " 0"],
  ];
  const text = expected.map(([name, type, help, sample]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}${sample}\n`).join("");
  assert.equal([...resourceMetrics(await world(1).collector.use())].join(""), text);
  assert.match(scrapeFailed().join(""), /\nresource_scrape_error 1\n$/);
});
