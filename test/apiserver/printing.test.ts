import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { shortSpan } from "../../src/apiserver/kinds/object-columns.js";
import { nodeKind } from "../../src/apiserver/kinds/node.js";
import { serviceKind } from "../../src/apiserver/kinds/service.js";
import { podKind } from "../../src/apiserver/kinds/pod.js";
import type { ApiObject } from "../../src/apiserver/object.js";
import { tableOf } from "../../src/apiserver/printing/table.js";
import { Stored } from "../../src/apiserver/storage/stored.js";

const NOW_MS = Date.UTC(2026, 0, 1, 1);

test("spans as kubectl prints them", () => {
  const seconds = [0, 59, 119, 120, 125, 599, 720, 10_799, 11_400, 28_800, 172_000, 266_400, 1_728_000, 94_608_000];
  assert.deepEqual(seconds.map((count) => shortSpan(count * 1000)), ["0s", "59s", "119s", "2m", "2m5s", "9m59s", "12m", "179m", "3h10m", "8h", "47h", "3d2h", "20d", "3y"]);
});

describe("the status cell of a pod", () => {
  const text = (status: object, more: { readonly spec?: object; readonly metadata?: object } = {}): unknown =>
    podKind.cells({ apiVersion: "v1", kind: "Pod", metadata: { name: "p", ...more.metadata }, spec: { containers: [{ name: "c" }], ...more.spec }, status }, NOW_MS)[2];
  const waiting = (reason: string): object => ({ phase: "Pending", containerStatuses: [{ name: "c", state: { waiting: { reason } } }] });
  const ended = (terminated: object): object => ({ phase: "Failed", containerStatuses: [{ name: "c", state: { terminated } }] });
  const init = { initContainers: [{ name: "i" }, { name: "j" }] };

  for (const [expected, actual] of [
    ["Pending", text({ phase: "Pending" })],
    ["Evicted", text({ phase: "Failed", reason: "Evicted" })],
    ["ContainerCreating", text(waiting("ContainerCreating"))],
    ["CrashLoopBackOff", text({ ...waiting("CrashLoopBackOff"), phase: "Running" })],
    ["Completed", text({ ...ended({ reason: "Completed", exitCode: 0 }), phase: "Succeeded" })],
    ["OOMKilled", text(ended({ reason: "OOMKilled", exitCode: 137 }))],
    ["ExitCode:3", text(ended({ exitCode: 3 }))],
    ["Signal:9", text(ended({ exitCode: 137, signal: 9 }))],
    ["Running", text({ phase: "Running", containerStatuses: [{ name: "c", ready: true, state: { running: {} } }] })],
    ["SchedulingGated", text({ phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] })],
    ["Init:1/2", text({ phase: "Pending", initContainerStatuses: [{ name: "i", state: { terminated: { exitCode: 0 } } }, { name: "j", state: { running: {} } }] }, { spec: init })],
    ["Init:CrashLoopBackOff", text({ phase: "Pending", initContainerStatuses: [{ name: "i", state: { waiting: { reason: "CrashLoopBackOff" } } }] }, { spec: init })],
    ["Init:Error", text({ phase: "Pending", initContainerStatuses: [{ name: "i", state: { terminated: { exitCode: 1, reason: "Error" } } }] }, { spec: init })],
    ["Terminating", text({ phase: "Running" }, { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } })],
    ["Unknown", text({ phase: "Running", reason: "NodeLost" }, { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } })],
  ] as const) {
    test(expected, () => assert.equal(actual, expected));
  }
});

test("restarts say when the last one was; ready counts sidecars", () => {
  const pod: ApiObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { containers: [{ name: "c" }], initContainers: [{ name: "s", restartPolicy: "Always" }], nodeName: "esxi-01" },
    status: {
      phase: "Running",
      podIP: "10.0.0.7",
      conditions: [{ type: "Initialized", status: "True" }],
      containerStatuses: [{ name: "c", ready: true, restartCount: 3, state: { running: {} }, lastState: { terminated: { finishedAt: "2026-01-01T00:55:00Z" } } }],
      initContainerStatuses: [{ name: "s", ready: true, started: true, restartCount: 0, state: { running: {} } }],
    },
  };
  assert.deepEqual(podKind.cells(pod, NOW_MS), ["p", "2/2", "Running", "3 (5m ago)", "60m", "10.0.0.7", "esxi-01", "<none>", "<none>"]);
});

test("nodes and services", () => {
  const node: ApiObject = { apiVersion: "v1", kind: "Node", metadata: { name: "n", labels: { "node-role.kubernetes.io/agent": "" } }, spec: { unschedulable: true }, status: { conditions: [{ type: "Ready", status: "True" }], nodeInfo: { kubeletVersion: "v1.32.0-sph" } } };
  assert.deepEqual(nodeKind.cells(node, NOW_MS).slice(0, 5), ["n", "Ready,SchedulingDisabled", "agent", "<unknown>", "v1.32.0-sph"]);
  const service: ApiObject = { apiVersion: "v1", kind: "Service", metadata: { name: "s" }, spec: { type: "NodePort", clusterIP: "10.96.0.9", ports: [{ port: 80, nodePort: 30001, protocol: "TCP" }], selector: { a: "b" } } };
  assert.deepEqual(serviceKind.cells(service, NOW_MS), ["s", "NodePort", "10.96.0.9", "<none>", "80:30001/TCP", "<unknown>", "a=b"]);
});

test("a Table has columns once, and rows with as much of the object as asked", () => {
  const stored = new Stored("k", 7, { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: { containers: [] } });
  const table = tableOf(podKind, [stored], { resourceVersion: "7" }, "Metadata", NOW_MS) as { columnDefinitions: { name: string; priority: number }[]; rows: { object: { kind: string } }[] };
  assert.deepEqual(table.columnDefinitions.filter((column) => column.priority === 0).map((column) => column.name), ["Name", "Ready", "Status", "Restarts", "Age"]);
  assert.equal(table.rows[0]!.object.kind, "PartialObjectMetadata");
  const bare = tableOf(podKind, [stored], { resourceVersion: "7" }, "None", NOW_MS, false) as { columnDefinitions: unknown; rows: object[] };
  assert.deepEqual([bare.columnDefinitions, "object" in bare.rows[0]!], [null, false]);
});
