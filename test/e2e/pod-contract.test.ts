import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { examplesDirectory } from "../../src/base/project-files.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Draft } from "../../src/kubernetes/object-meta.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import { events, pods } from "../../src/kubernetes/resource-type.js";
import { administrator } from "../support/administrator.js";
import { eventually } from "../support/eventually.js";
import { withEmulator } from "../support/running-emulator.js";

const aPod = (name: string, spec: PodSpec, annotations: Record<string, string> = {}): Draft<Pod> => ({ metadata: { name, namespace: "default", annotations }, spec: { terminationGracePeriodSeconds: 1, ...spec } });

test("over the wire: a user's profile, annotations, probes, hooks and a sidecar show in status, annotation and events", async () => {
  await withEmulator(["--image-profiles", join(examplesDirectory, "image-profiles.yaml")], async (running) => {
    const client = administrator(running.ready);
    const podNow = (name: string): Promise<Pod> => client.get(pods, { namespace: "default", name });
    const becomes = (name: string, what: string, holds: (pod: Pod) => boolean): Promise<Pod> => eventually(`${name} ${what}`, async () => podNow(name).then((pod) => (holds(pod) ? pod : undefined)));
    const told = async (name: string): Promise<string[]> => (await client.list(events, { namespace: "default", fieldSelector: `involvedObject.name=${name}` })).items.map(({ type, reason, message }) => `${type} ${reason} ${message}`);
    const isReady = ({ status }: Pod): boolean => findCondition(status?.conditions, "Ready")?.status === "True";
    try {
      const restarted = { livenessProbe: { httpGet: { port: "web", path: "/live" }, periodSeconds: 1, failureThreshold: 1 } };
      await client.create(pods, aPod("sick", { containers: [{ name: "c", image: "registry.example.com/shop/inventory:3", ports: [{ name: "web", containerPort: 8080 }], ...restarted }] }, { "c.spheresim.dev/liveness-fails-after": "1500ms" }));
      const sidecar = { name: "proxy", image: "envoyproxy/envoy:v1.31", restartPolicy: "Always", startupProbe: { tcpSocket: { port: 15_021 }, periodSeconds: 1 } };
      const hooked = { name: "web", image: "nginx", lifecycle: { postStart: { exec: { command: ["true"] } }, preStop: { exec: { command: ["false"] } } }, resources: { requests: { cpu: "50m" }, limits: { cpu: "100m" } } };
      await client.create(pods, aPod("mesh", { initContainers: [sidecar], containers: [hooked] }, { "proxy.spheresim.dev/started-after": "500ms" }));
      await client.create(pods, aPod("legacy", { containers: [{ name: "c", image: "registry.example.com/legacy/app:1" }] }));
      await client.create(pods, aPod("typo", { containers: [{ name: "c", image: "nginx" }] }, { "c.spheresim.dev/exitcode": "1" }));

      const mesh = await becomes("mesh", "is ready", isReady);
      assert.deepEqual(mesh.status?.initContainerStatuses?.map(({ name, ready, started }) => [name, ready, started]), [["proxy", true, true]]);
      assert.deepEqual([mesh.status?.containerStatuses?.[0]?.allocatedResources, mesh.status?.containerStatuses?.[0]?.resources], [{ cpu: "50m" }, { limits: { cpu: "100m" }, requests: { cpu: "50m" } }]);
      assert.equal(mesh.status?.qosClass, "Burstable");
      assert.equal(mesh.metadata.annotations?.["spheresim.dev/image-profiles"], '{"proxy":"unknown","web":"nginx"}');
      const typo = await becomes("typo", "waits", ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === "CreateContainerError");
      assert.match(typo.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "", /^annotation exitcode "1": not known; known are /);

      // The file says so of this registry's images.
      const legacy = await becomes("legacy", "has no image", ({ status }) => /^(ErrImagePull|ImagePullBackOff)$/.test(status?.containerStatuses?.[0]?.state?.waiting?.reason ?? ""));
      assert.match(legacy.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "", /Code 401: ErrorType\(2\) pull access denied/);

      const sick = await becomes("sick", "was restarted", ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
      assert.equal(sick.metadata.annotations?.["spheresim.dev/image-profiles"], '{"c":"inventory-service"}');
      const unhealthy = "Warning Unhealthy Liveness probe failed: HTTP probe failed with statuscode: 500";
      await eventually("the restart is told", async () => {
        const all = await told("sick");
        return all.includes(unhealthy) && all.includes("Normal Killing Container c failed liveness probe, will be restarted");
      });

      await client.delete(pods, { namespace: "default", name: "mesh" });
      await eventually("the failed hook is told", async () => (await told("mesh")).includes("Warning FailedPreStopHook PreStopHook failed"));
      const killing = (await told("mesh")).filter((text) => text.startsWith("Normal Killing")).sort();
      assert.deepEqual(killing, ["Normal Killing Stopping container proxy", "Normal Killing Stopping container web"]);
    } finally {
      await client.close();
    }
  });
});
