import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InventoryServiceClient } from "../../src/gen/spheresim/vcenter/v1/inventory_service.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Pod } from "../../src/kubernetes/pod.js";
import { deployments, leases, nodes, pods } from "../../src/kubernetes/resource-type.js";
import type { RestClient } from "../../src/kubernetes/rest-client.js";
import { parseTime } from "../../src/kubernetes/timestamp.js";
import { administrator } from "../support/administrator.js";
import { connectionOf, hostFailures } from "../support/host-rack.js";
import { vmsOnHosts } from "../support/host-vms.js";
import { type RunningEmulator, withEmulator } from "../support/running-emulator.js";
import { through } from "../support/through.js";

/** Short enough for a test, four renewals of a Lease, and longer than a busy machine keeps the process of the hosts waiting. */
const GRACE_SECONDS = 8;
const TOLERATION_SECONDS = 2;
const REPLICAS = 3;

/** What each failure does, as seen from Kubernetes, from vCenter and from the host itself. */
const table = [
  { failure: "HostD dies", evicts: false, vcenter: "NOT_RESPONDING", runsOn: undefined },
  { failure: "the Spherelet dies", evicts: true, vcenter: "CONNECTED", runsOn: true },
  { failure: "the host loses power", evicts: true, vcenter: "NOT_RESPONDING", runsOn: undefined },
  { failure: "the host is cut off", evicts: true, vcenter: "NOT_RESPONDING", runsOn: undefined },
] as const;

/** One emulator, its Kubernetes, and a Deployment of three pods in it. */
class Scene {
  readonly running: RunningEmulator;
  readonly client: RestClient;
  readonly name: string;

  constructor(running: RunningEmulator, client: RestClient, name: string) {
    this.running = running;
    this.client = client;
    this.name = name;
  }

  async begin(): Promise<readonly Pod[]> {
    const labels = { app: this.name };
    const tolerations = ["unreachable", "not-ready"].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: "Exists" as const, effect: "NoExecute" as const, tolerationSeconds: TOLERATION_SECONDS }));
    const template = { metadata: { labels }, spec: { containers: [{ name: "app", image: "nginx" }], tolerations, terminationGracePeriodSeconds: 1 } };
    await this.client.create(deployments, { metadata: { namespace: "default", name: this.name }, spec: { replicas: REPLICAS, selector: { matchLabels: labels }, template } });
    return this.settled(REPLICAS);
  }

  scale(replicas: number): Promise<unknown> {
    return this.client.patch(deployments, { namespace: "default", name: this.name }, { type: "merge", body: { spec: { replicas } } });
  }

  async pods(): Promise<readonly Pod[]> {
    const { items } = await this.client.list(pods, { namespace: "default", labelSelector: `app=${this.name}` });
    return items;
  }

  /** The pods that are to stay, once there are so many and all are Ready. */
  settled(count: number): Promise<readonly Pod[]> {
    return through(async () => {
      const staying = (await this.pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      assert.deepEqual(staying.map((pod) => findCondition(pod.status?.conditions, "Ready")?.status), Array.from({ length: count }, () => "True"));
      return staying;
    });
  }

  /** Nothing but these pods is left anywhere: not in the API server, not in vCenter, not on the hosts; and all agree. */
  async agreesOn(staying: readonly Pod[]): Promise<void> {
    await through(async () => {
      assert.deepEqual((await this.pods()).map(({ metadata }) => metadata.uid).sort(), uidsOf(staying).sort());
      const { virtualMachines } = await this.running.open("vcenter").client(InventoryServiceClient).getInventory({});
      assert.deepEqual(virtualMachines.map(({ ownerUid }) => ownerUid).sort(), uidsOf(staying).sort());
    });
    for (const { metadata, spec } of staying) {
      assert.deepEqual((await vmsOnHosts(this.running, metadata.uid)).map(({ hostName }) => hostName), [spec.nodeName]);
    }
    const { violations, silentHosts } = await this.running.emulator.checkInvariants({ settle: { seconds: 30n, nanos: 0 } });
    assert.deepEqual({ violations, silentHosts }, { violations: [], silentHosts: [] });
  }

  async end(): Promise<void> {
    await this.client.delete(deployments, { namespace: "default", name: this.name }, { propagationPolicy: "Background" });
    await through(async () => assert.deepEqual(await this.pods(), []));
  }

  /** The Node's Ready, and its taints as `key:effect`. */
  async node(name: string): Promise<{ readonly ready: string | undefined; readonly taints: readonly string[] }> {
    const { spec, status } = await this.client.get(nodes, { name });
    return { ready: findCondition(status?.conditions, "Ready")?.status, taints: (spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort() };
  }
}

const healthy = { ready: "True", taints: [] };
const unreachable = { ready: "Unknown", taints: ["node.kubernetes.io/unreachable:NoExecute", "node.kubernetes.io/unreachable:NoSchedule"] };

describe("an ESXi host fails", { concurrency: false }, () => {
  for (const { failure, evicts, vcenter, runsOn } of table) {
    test(`${failure}: ${evicts ? "its pods are evicted and run elsewhere, and nothing runs twice when it is back" : "nothing is evicted, new VMs go elsewhere"}`, () =>
      withScene("web", async (scene) => {
        const before = await scene.begin();
        const host = before[0]?.spec.nodeName ?? assert.fail("the pod has no node");
        const lost = before.filter(({ spec }) => spec.nodeName === host);
        await hostFailures[failure].happen(scene.running, host);
        await through(async () => assert.equal(await connectionOf(scene.running, host), vcenter));
        const after = evicts ? await evicted(scene, host, lost) : await undisturbed(scene, host, before);
        if (runsOn === true) for (const { metadata } of lost) assert.equal((await vmsOnHosts(scene.running, metadata.uid)).length, 1, "who could end it does not run");
        await hostFailures[failure].mend(scene.running, host);
        await through(async () => assert.deepEqual([await connectionOf(scene.running, host), await scene.node(host)], ["CONNECTED", healthy]));
        await scene.agreesOn(after);
        await scene.end();
      }));
  }

  test("a pod that is deleted by force on a host without power is gone at once for Kubernetes, and its VM when the host is back", () =>
    withScene("forced", async (scene) => {
      const { host, lost, after } = await withoutPower(scene);
      for (const { metadata } of lost) await scene.client.delete(pods, { namespace: "default", name: metadata.name }, { gracePeriodSeconds: 0 });
      await leftOnly(scene, after);
      await hostFailures["the host loses power"].mend(scene.running, host);
      await through(async () => assert.deepEqual(await scene.node(host), healthy));
      await scene.agreesOn(after);
    }));

  test("pods on a host that an administrator took out of service need not wait for it", () =>
    withScene("retired", async (scene) => {
      const { host, after } = await withoutPower(scene);
      const taints = (await scene.client.get(nodes, { name: host })).spec?.taints ?? [];
      await scene.client.patch(nodes, { name: host }, { type: "merge", body: { spec: { taints: [...taints, { key: "node.kubernetes.io/out-of-service", value: "nodeshutdown", effect: "NoExecute" }] } } });
      await leftOnly(scene, after);
      await hostFailures["the host loses power"].mend(scene.running, host);
      await through(async () => assert.deepEqual(await scene.node(host), { ready: "True", taints: ["node.kubernetes.io/out-of-service:NoExecute"] }));
      await scene.agreesOn(after);
    }));

  test("a reset gives hosts power and network back, so that their pods can end", () =>
    withScene("reset", async (scene) => {
      const before = await scene.begin();
      const [off = "", cut = ""] = [...new Set(before.map(({ spec }) => spec.nodeName))];
      await hostFailures["the host loses power"].happen(scene.running, off);
      await hostFailures["the host is cut off"].happen(scene.running, cut);
      await through(async () => assert.deepEqual([await connectionOf(scene.running, off), await connectionOf(scene.running, cut)], ["NOT_RESPONDING", "NOT_RESPONDING"]));
      const { deleted } = await scene.running.emulator.reset({ requestId: "", timeout: undefined }, { deadlineMs: 70_000 });
      assert.equal(deleted["Deployment"], 1);
      await through(async () => assert.deepEqual([await scene.node(off), await scene.node(cut)], [healthy, healthy]));
      await scene.agreesOn([]);
    }));
});

async function withScene(name: string, play: (scene: Scene) => Promise<void>): Promise<void> {
  await withEmulator(["--hosts", "3", "--node-grace", `${GRACE_SECONDS}s`, "--log-level", "error"], async (running) => {
    const client = administrator(running.ready);
    try {
      await play(new Scene(running, client, name));
    } finally {
      await client.close();
    }
  });
}

/** The Node falls silent, its pods are evicted and wait for it, others run in their place. Answers those that stay. */
async function evicted(scene: Scene, host: string, lost: readonly Pod[]): Promise<readonly Pod[]> {
  await through(async () => assert.deepEqual(await scene.node(host), unreachable));
  const uids = uidsOf(lost);
  await through(async () => {
    const leaving = (await scene.pods()).filter(({ metadata }) => uids.includes(metadata.uid));
    assert.deepEqual(leaving.map(({ metadata }) => metadata.deletionTimestamp !== undefined), lost.map(() => true));
    for (const { status } of leaving) {
      assert.equal(findCondition(status?.conditions, "DisruptionTarget")?.reason, "DeletionByTaintManager");
      assert.equal(findCondition(status?.conditions, "Ready")?.status, "False");
    }
  });
  const after = await scene.settled(REPLICAS);
  assert.deepEqual(after.filter(({ spec }) => spec.nodeName === host), []);
  // They wait for the host's own word, however long that takes.
  const waiting = (await scene.pods()).filter(({ metadata }) => uids.includes(metadata.uid));
  assert.deepEqual(waiting.map(({ metadata }) => metadata.deletionGracePeriodSeconds), lost.map(() => 1));
  return after;
}

/** The Node lives on longer than a silent one would, its pods with it, and new ones are placed elsewhere. Answers those that stay. */
async function undisturbed(scene: Scene, host: string, before: readonly Pod[]): Promise<readonly Pod[]> {
  const renewedAtMs = async (): Promise<number> => parseTime((await scene.client.get(leases, { namespace: "kube-node-lease", name: host })).spec?.renewTime) ?? 0;
  const startMs = await renewedAtMs();
  await scene.scale(2 * REPLICAS);
  const after = await scene.settled(2 * REPLICAS);
  const added = after.filter(({ metadata }) => !uidsOf(before).includes(metadata.uid));
  assert.equal(added.length, REPLICAS);
  assert.deepEqual(added.filter(({ spec }) => spec.nodeName === host), []);
  await through(async () => assert.ok((await renewedAtMs()) - startMs > (GRACE_SECONDS + TOLERATION_SECONDS + 1) * 1000));
  assert.deepEqual(await scene.node(host), healthy);
  const now = await scene.settled(2 * REPLICAS);
  assert.deepEqual(uidsOf(now).sort(), uidsOf(after).sort());
  assert.deepEqual(now.map(({ status }) => status?.containerStatuses?.[0]?.restartCount), now.map(() => 0));
  return after;
}

/** A host of the Deployment's loses power, and its pods are being evicted. */
async function withoutPower(scene: Scene): Promise<{ readonly host: string; readonly lost: readonly Pod[]; readonly after: readonly Pod[] }> {
  const before = await scene.begin();
  const host = before[0]?.spec.nodeName ?? assert.fail("the pod has no node");
  const lost = before.filter(({ spec }) => spec.nodeName === host);
  await hostFailures["the host loses power"].happen(scene.running, host);
  return { host, lost, after: await evicted(scene, host, lost) };
}

/** Kubernetes knows these pods alone. */
async function leftOnly(scene: Scene, staying: readonly Pod[]): Promise<void> {
  await through(async () => assert.deepEqual(uidsOf(await scene.pods()).sort(), uidsOf(staying).sort()));
}

function uidsOf(all: readonly Pod[]): string[] {
  return all.map(({ metadata }) => metadata.uid);
}
