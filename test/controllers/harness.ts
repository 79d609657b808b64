import type { TestContext } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { Controller, ControllerContext } from "../../src/controllers/controller.js";
import { Informers } from "../../src/kubernetes/informers.js";
import { isBeingDeleted } from "../../src/kubernetes/object-meta.js";
import { pods } from "../../src/kubernetes/resource-type.js";
import { formatTime } from "../../src/kubernetes/timestamp.js";
import { FakeCluster } from "../support/fake-cluster.js";

/** Controllers over an API server in memory, with a hand that plays scheduler and Spherelet. */
export async function startHarness(t: TestContext, make: (context: ControllerContext) => readonly Controller[], prepare?: (cluster: FakeCluster) => Promise<void>) {
  const clock = new ManualClock(1_000_000_000);
  const cluster = new FakeCluster(clock);
  await prepare?.(cluster);
  const informers = new Informers({ client: cluster, clock, dice: new Dice("informers") });
  const context: ControllerContext = { client: cluster, informers, clock, monotonic: clock, dice: new Dice("controllers"), log: silentLogger };
  const controllers = make(context);
  await informers.start();
  for (const controller of controllers) controller.start();
  t.after(async () => {
    await informers.close();
    await Promise.all(controllers.map((controller) => controller.close()));
  });
  /** Lets controllers work until nothing moves. */
  const settle = async (): Promise<void> => {
    for (let revision = -1; revision !== cluster.revision; ) {
      revision = cluster.revision;
      for (let i = 0; i < 5; i += 1) await clock.advance(0);
    }
  };
  /** Runs every pod that is not running yet, except those `broken` names by image. */
  const runPods = async (broken?: string): Promise<void> => {
    await settle();
    for (const pod of cluster.peekAll(pods)) {
      if (pod.status?.phase === "Running" || isBeingDeleted(pod) || pod.spec.containers[0]?.image === broken) continue;
      const status = { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime: formatTime(clock.nowMs()) }] };
      await cluster.patch(pods, { namespace: pod.metadata.namespace!, name: pod.metadata.name }, { type: "merge", body: { status } }, { subresource: "status" });
    }
    await settle();
  };
  return { clock, cluster, settle, runPods };
}
