import assert from "node:assert/strict";
import { test } from "node:test";
import { PodContainers, PodEvent } from "../../src/gen/spheresim/crx/v1/agent.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { PodEvents } from "../../src/spherelet/status/pod-events.js";

test("what the agent tells is told of its container, a hook's fall back to HTTP of the pod; nothing twice, nothing of a container that is not there", () => {
  const told: string[] = [];
  const events = new PodEvents({ record: (_pod, type, reason, _message, reference) => void told.push(`${type} ${reason} ${reference?.fieldPath ?? "pod"}`) });
  const pod: Pod = { metadata: { name: "web", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" }, spec: { initContainers: [{ name: "init" }], containers: [{ name: "web" }] } };
  const event = (number: bigint, container: string, reason: string, warning = false): PodEvent => PodEvent.create({ number, container, reason, warning });
  const before = PodContainers.create({ events: [event(1n, "init", "Started"), event(2n, "web", "Started")] });
  const now = PodContainers.create({ events: [...before.events, event(3n, "web", "LifecycleHTTPFallback", true), event(4n, "gone", "Started"), event(5n, "web", "BackOff", true)] });
  events.containersChanged(pod, undefined, before);
  events.containersChanged(pod, before, now);
  assert.deepEqual(told, ["Normal Started spec.initContainers{init}", "Normal Started spec.containers{web}", "Warning LifecycleHTTPFallback pod", "Warning BackOff spec.containers{web}"]);
});
