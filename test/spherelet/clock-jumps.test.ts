import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Container } from "../../src/kubernetes/container.js";
import { images, leases, pods } from "../../src/kubernetes/resource-type.js";
import { container, MachineFixture, podRequest, podUid, words } from "../crx/machine-fixture.js";
import { eventually, settled } from "../support/eventually.js";
import { PodHarness } from "./pod-harness.js";
import { HOST, inTime, type SphereletWorld, withSpherelets } from "./spherelet-world.js";

const HOURS_MS = 5 * 3_600_000;
const DAY_MS = 24 * 3_600_000;
const jumps = { forward: HOURS_MS, back: -HOURS_MS } as const;
const isReady = (world: SphereletWorld, name: string): boolean => findCondition(world.pod(name)?.status?.conditions, "Ready")?.status === "True";

/** What a pod says after `ms` more, the clock being set in between. */
async function after(containers: readonly Container[], annotations: Readonly<Record<string, string>>, beforeMs: number, jumpMs: number, ms: number): Promise<string> {
  const harness = new PodHarness({ containers }, annotations);
  try {
    await harness.boot();
    await harness.pass(beforeMs);
    harness.clock.jump(jumpMs);
    await harness.pass(ms);
    return harness.describe();
  } finally {
    await harness.close();
    assert.equal(harness.clock.waiting, 0);
  }
}

for (const [direction, jumpMs] of Object.entries(jumps)) {
  describe(`the emulated clock is set five hours ${direction}`, () => {
    test("a back-off has as long to go as before, and grows on", async () => {
      const crashing = (ms: number): Promise<string> => after([{ name: "web", image: "fake" }], { "spheresim.dev/exit-code": "1" }, 4_000, jumpMs, ms);
      assert.equal(await crashing(5_999), "Running: web waiting CrashLoopBackOff x1");
      assert.equal(await crashing(6_000), "Running: web waiting CrashLoopBackOff x2");
    });

    test("probes go on within a period, and a container is no older or younger than it was", async () => {
      const web: Container = { name: "web", image: "nginx", readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 5 } };
      const readied = (ms: number): Promise<string> => after([web], { "spheresim.dev/ready-after": "12s" }, 6_000, jumpMs, ms);
      assert.equal(await readied(5_900), "Running: web running");
      assert.equal(await readied(11_000), "Running, ready: web running ready");
      const live: Container = { name: "web", image: "nginx", livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 5, failureThreshold: 1 } };
      assert.equal(await after([live], { "spheresim.dev/liveness-fails-after": "60s" }, 6_000, jumpMs, 50_000), "Running, ready: web running ready");
      assert.equal(await after([live], { "spheresim.dev/liveness-fails-after": "60s" }, 6_000, jumpMs, 60_000), "Running, ready: web running ready x1");
    });

    test("a delay before the first probe, a startup probe and a postStart hook have as long to go as before", async () => {
      const late: Container = { name: "web", image: "nginx", readinessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: 20 } };
      assert.equal(await after([late], {}, 5_000, jumpMs, 14_999), "Running: web running");
      assert.equal(await after([late], {}, 5_000, jumpMs, 15_000), "Running, ready: web running ready");
      const slow: Container = { name: "web", image: "nginx", startupProbe: { tcpSocket: { port: 80 }, periodSeconds: 5, failureThreshold: 6 } };
      assert.equal(await after([slow], { "spheresim.dev/started-after": "22s" }, 5_000, jumpMs, 25_000), "Running, ready: web running ready");
      const hooked: Container = { name: "web", image: "nginx", lifecycle: { postStart: { sleep: { seconds: 8 } } } };
      assert.equal(await after([hooked], {}, 5_000, jumpMs, 3_000), "Running, ready: web running ready");
    });

    test("a grace period has as long to go as before, and a second stop shortens it and never lengthens it", async () => {
      for (const [second, leftMs] of [[undefined, 20_000], [60_000, 20_000], [5_000, 5_000], [0, 0]] as const) {
        const fixture = new MachineFixture();
        const agent = await fixture.agent();
        await agent.startPod(podRequest({ containers: [container("deaf", "busybox", "sleep", "36000")] }));
        const stops = [agent.stopPod(podUid, 30_000)];
        await fixture.clock.advance(10_000);
        fixture.clock.jump(jumpMs);
        if (second !== undefined) stops.push(agent.stopPod(podUid, second));
        if (leftMs > 0) {
          await fixture.clock.advance(leftMs - 1);
          assert.equal(words(agent.pod().containers[0]), "deaf running", `second stop ${second}`);
        }
        await fixture.clock.advance(1);
        await Promise.all(stops);
        assert.equal(words(agent.pod().containers[0]), "deaf terminated Error 137");
        assert.equal(fixture.clock.waiting, 0);
      }
    });

    test("the node's lease, a start that is retried, a failed image and a deadline: all go on", () =>
      withSpherelets(async (world) => {
        const { cluster, clock, monotonic } = world;
        const named = { namespace: "default", name: "shop-0a-v1" };
        await cluster.create(images, { metadata: named, spec: { reference: "shop:v9" }, status: { phase: "Resolving", message: "manifest unknown" } });
        await settled();
        await world.configure(await world.createPod("waits", {}, { annotations: { "vmware-system-image-references": '{"web":"shop-0a-v1"}' } }));
        await world.configure(await world.createPod("needs", { volumes: [{ name: "v", configMap: { name: "site" } }] }));
        await world.configure(await world.createPod("runs", { activeDeadlineSeconds: DAY_MS / 1000 }));
        await eventually("one runs", () => isReady(world, "runs"));
        await eventually("one waits", () => world.pod("waits")?.status?.containerStatuses?.[0]?.state?.waiting?.reason === "ErrImagePull");
        const renewed = (): string | undefined => cluster.peek(leases, { namespace: "kube-node-lease", name: HOST })?.spec?.renewTime;
        const before = renewed();

        clock.jump(jumpMs);
        await monotonic.advance(10_000);
        await eventually("lease", () => renewed() !== before);
        await clock.advance(10_000);
        await eventually("backs off", () => world.pod("waits")?.status?.containerStatuses?.[0]?.state?.waiting?.reason === "ImagePullBackOff");
        await cluster.patch(images, named, { type: "merge", body: { status: { phase: "Ready", message: null } } }, { subresource: "status" });
        await inTime(world, "the image came", () => isReady(world, "waits"));
        await cluster.create({ group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true }, { metadata: { name: "site", namespace: "default" } });
        await inTime(world, "the map came", () => isReady(world, "needs"));
        assert.equal(world.pod("runs")?.status?.phase, "Running");

        // By now the deadline is where the clock says, and no timer of before the jump is waited for.
        clock.jump(DAY_MS - jumpMs);
        await clock.advance(10_000);
        await eventually("over", () => world.pod("runs")?.status?.reason === "DeadlineExceeded");
        for (const name of ["waits", "needs"]) {
          await cluster.delete(pods, { namespace: "default", name }, { gracePeriodSeconds: 1 });
          await eventually(`${name} is gone`, () => world.pod(name)?.metadata.deletionGracePeriodSeconds === 0);
        }
      }));
  });
}
