import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { NodeLifecycleController } from "../../src/controllers/node-lifecycle-controller.js";
import { TaintEvictionController } from "../../src/controllers/taint-eviction-controller.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import { leases, nodes, pods } from "../../src/kubernetes/resource-type.js";
import { formatMicroTime } from "../../src/kubernetes/timestamp.js";
import { aNode, aPod } from "../support/kube-objects.js";
import { startHarness } from "./harness.js";

const GRACE_MS = 4_000;
const STEP_MS = 100;
const ZONE = "topology.kubernetes.io/zone";

/** Nodes by zone with a pod each, which renew their Leases each second while they are not said to be silent. */
async function startNodes(t: TestContext, zones: Readonly<Record<string, readonly string[]>>) {
  const harness = await startHarness(t, (context) => [new NodeLifecycleController(context, GRACE_MS), new TaintEvictionController(context)]);
  const { clock, cluster, runPods } = harness;
  const where = (name: string) => ({ namespace: "kube-node-lease", name });
  const names = Object.values(zones).flat();
  for (const [zone, members] of Object.entries(zones)) {
    for (const name of members) {
      await cluster.create(nodes, aNode(name, { labels: { [ZONE]: zone } }));
      await cluster.create(leases, { metadata: where(name), spec: { holderIdentity: name, leaseDurationSeconds: 4, renewTime: formatMicroTime(clock.nowMs()) } });
      await cluster.create(pods, aPod(`on-${name}`, {}, { nodeName: name }));
    }
  }
  await runPods();
  const silent = new Set<string>();
  const wrong: string[] = [];
  /** Lets time pass; a Lease that cannot be written is written later, as a Spherelet does. */
  const pass = async (ms: number): Promise<void> => {
    for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
      for (const name of names) {
        if (silent.has(name) || (clock.nowMs() / STEP_MS) % 10 !== 0) continue;
        void cluster.patch(leases, where(name), { type: "merge", body: { spec: { renewTime: formatMicroTime(clock.nowMs()) } } });
      }
      await clock.advance(STEP_MS);
      for (const name of names) if (!silent.has(name) && ready(name) !== "True") wrong.push(`${name} is ${ready(name)} at ${clock.nowMs()}`);
    }
  };
  const ready = (name: string) => findCondition(cluster.peek(nodes, { name })?.status?.conditions, "Ready")?.status;
  const driven = () => names.filter((name) => cluster.peek(nodes, { name })?.spec?.taints?.some(({ effect }) => effect === "NoExecute") === true);
  const leaving = () => names.filter((name) => cluster.peek(pods, { namespace: "default", name: `on-${name}` })?.metadata.deletionTimestamp !== undefined);
  return { ...harness, silent, pass, ready, driven, leaving, wrong };
}

test("a control plane that stood still for longer than the grace period does not take it for its nodes' silence", async (t) => {
  const { clock, cluster, pass, leaving, wrong } = await startNodes(t, { a: ["n1", "n2"], b: ["n3"] });
  await pass(10_000);
  for (const verbs of [["patch", "create", "get", "list"], ["watch"], ["patch"]]) {
    const held: (() => void)[] = [];
    cluster.intercept = ({ verb }) => (verbs.includes(verb) ? new Promise((resolve) => void held.push(resolve)) : undefined);
    if (verbs.includes("watch")) cluster.cutWatches();
    await clock.advance(3 * GRACE_MS);
    cluster.intercept = undefined;
    for (const release of held) release();
    await pass(10_000);
    assert.deepEqual(wrong, [], `after ${verbs.join(", ")} stood still`);
  }
  assert.deepEqual(leaving(), []);
});

test("a node that falls silent while the control plane stands still is found all the same, and it alone", async (t) => {
  const { clock, cluster, silent, pass, ready, driven, leaving, wrong } = await startNodes(t, { a: ["n1", "n2"], b: ["n3"] });
  await pass(20_000);
  silent.add("n2");
  const held: (() => void)[] = [];
  cluster.intercept = () => new Promise((resolve) => void held.push(resolve));
  await clock.advance(10_000);
  cluster.intercept = undefined;
  for (const release of held) release();
  await pass(1_500);
  assert.equal(ready("n2"), "True", "of ten seconds in which nobody was heard one counts");
  await pass(1_500);
  assert.deepEqual([ready("n2"), driven(), leaving(), wrong], ["Unknown", ["n2"], ["n2"], []]);
});

test("of a zone one node is given up at once and the next one ten seconds later; another zone does not wait for it", async (t) => {
  const { silent, pass, ready, driven, wrong } = await startNodes(t, { a: ["a1", "a2", "a3", "a4"], b: ["b1", "b2"] });
  await pass(20_000);
  for (const name of ["a1", "a2", "b1"]) silent.add(name);
  await pass(GRACE_MS + 1_000);
  assert.deepEqual([["a1", "a2", "b1"].map(ready), driven()], [["Unknown", "Unknown", "Unknown"], ["a1", "b1"]]);
  await pass(7_500);
  assert.deepEqual(driven(), ["a1", "b1"]);
  await pass(1_000);
  assert.deepEqual([driven(), wrong], [["a1", "a2", "b1"], []]);
});

test("a small zone most of whose nodes are not Ready gives up none", async (t) => {
  const { silent, pass, driven, leaving } = await startNodes(t, { a: ["a1", "a2", "a3", "a4"], b: ["b1"] });
  await pass(20_000);
  for (const name of ["a1", "a2", "a3"]) silent.add(name);
  await pass(60_000);
  assert.deepEqual([driven(), leaving()], [[], []]);
});

test("when all fall silent together what was given up is taken back, and who is heard again has the whole period", async (t) => {
  const { cluster, silent, pass, ready, driven, leaving } = await startNodes(t, { a: ["n1", "n2"], b: ["n3"] });
  await pass(20_000);
  silent.add("n3");
  await pass(GRACE_MS + 1_000);
  assert.deepEqual([driven(), leaving()], [["n3"], ["n3"]]);
  silent.add("n1").add("n2");
  await pass(GRACE_MS + 1_000);
  assert.deepEqual([["n1", "n2", "n3"].map(ready), driven(), leaving()], [["Unknown", "Unknown", "Unknown"], [], ["n3"]]);
  await cluster.patch(nodes, { name: "n1" }, { type: "strategic", body: { status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "now" }] } } }, { subresource: "status" });
  silent.delete("n1");
  await pass(9_000);
  assert.deepEqual([driven(), leaving()], [[], ["n3"]]);
  await pass(2_000);
  assert.deepEqual([driven(), leaving()], [["n2", "n3"], ["n2", "n3"]]);
});

test("the manager's Lease says who leads, and is renewed twenty times in the grace period", async (t) => {
  const { clock, cluster, settle } = await startHarness(t, (context) => [new NodeLifecycleController(context)]);
  const lease = () => cluster.peek(leases, { namespace: "kube-system", name: "kube-controller-manager" })?.spec;
  await clock.advance(2_000);
  await settle();
  const first = lease();
  assert.deepEqual({ ...first, holderIdentity: "" }, { holderIdentity: "", acquireTime: formatMicroTime(clock.nowMs()), renewTime: formatMicroTime(clock.nowMs()), leaseDurationSeconds: 15, leaseTransitions: 0 });
  await clock.advance(2_000);
  await settle();
  assert.deepEqual(lease(), { ...first, renewTime: formatMicroTime(clock.nowMs()) });
  await cluster.patch(leases, { namespace: "kube-system", name: "kube-controller-manager" }, { type: "merge", body: { spec: { holderIdentity: "another" } } });
  await clock.advance(2_000);
  await settle();
  const now = formatMicroTime(clock.nowMs());
  assert.deepEqual(lease(), { ...first, acquireTime: now, renewTime: now, leaseTransitions: 1 });
});
