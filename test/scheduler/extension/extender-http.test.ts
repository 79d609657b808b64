import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ManualClock, monotonicClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/log.js";
import { Dice } from "../../../src/base/seeded-random.js";
import type { StepRecord } from "../../../src/gen/spheresim/emulator/v1/journal.js";
import { Informer } from "../../../src/kubernetes/informer.js";
import type { Pod } from "../../../src/kubernetes/pod.js";
import { pods as podType } from "../../../src/kubernetes/resource-type.js";
import { Explanations } from "../../../src/scheduler/explanations.js";
import { startExtenderServer } from "../../../src/scheduler/extension/http-server.js";
import { openExtension } from "../../../src/scheduler/extension/index.js";
import { PodSteps } from "../../../src/kubernetes/pod-steps.js";
import { eventually } from "../../support/eventually.js";
import { FakeCluster } from "../../support/fake-cluster.js";
import { FakeVcenter } from "../../support/fake-vcenter.js";

const hosts = ["esxi-01.spheresim.test", "esxi-02.spheresim.test"];

async function setUp() {
  const clock = new ManualClock(1_800_000_000_000);
  const cluster = new FakeCluster(clock);
  const vcenter = await new FakeVcenter(hosts).start();
  const pods = new Informer<Pod>({ client: cluster, type: podType, clock: monotonicClock(), dice: new Dice(2) });
  const records: StepRecord[] = [];
  const extension = openExtension({
    client: cluster,
    pods,
    vcenterAddress: vcenter.address,
    events: { record: () => undefined },
    explanations: new Explanations(),
    steps: new PodSteps({ record: (step) => void records.push(step) }, "scheduler", clock),
    clock,
    monotonic: monotonicClock(),
    dice: new Dice(1),
    log: silentLogger,
  });
  pods.start();
  await pods.synced();
  extension.start();
  const server = await startExtenderServer({ host: "127.0.0.1", port: 0, verbs: extension.verbs, log: silentLogger });
  after(async () => {
    await server.close();
    await extension.close();
    await pods.close();
    await vcenter.close();
  });
  const post = async (path: string, body: unknown): Promise<{ readonly status: number; readonly body: never }> => {
    const answer = await fetch(`http://${server.address}${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: typeof body === "string" ? body : JSON.stringify(body) });
    return { status: answer.status, body: (await answer.json()) as never };
  };
  const pod = await cluster.create(podType, { metadata: { namespace: "default", name: "web" }, spec: { containers: [{ name: "web", image: "nginx" }] } });
  return { cluster, vcenter, records, post, pod };
}

test("filter leaves one name when names came, one node when nodes came", async () => {
  const { post, pod } = await setUp();
  const byName = await post("/filter", { Pod: pod, NodeNames: [...hosts, "kwok"] });
  assert.equal(byName.status, 200);
  assert.deepEqual(byName.body, {
    Nodes: null,
    NodeNames: [hosts[0]],
    FailedNodes: { [hosts[1]!]: `DRS prefers ${hosts[0]}`, kwok: "DRS: not an ESXi host of this vCenter" },
    FailedAndUnresolvableNodes: {},
    Error: "",
  });
  // Go matches keys without case; any prefix does.
  const whole = await post("/scheduler/filter", { pod, nodes: { items: hosts.map((name) => ({ metadata: { name } })) }, nodeNames: null });
  assert.deepEqual((whole.body as { Nodes: unknown }).Nodes, { metadata: {}, items: [{ metadata: { name: hosts[0] } }] });
});

test("prioritize gives the recommended host 10 and the others what they score", async () => {
  const { post, pod, vcenter } = await setUp();
  vcenter.script.choose = (_, names) => names[1];
  const answer = await post("/prioritize", { Pod: pod, NodeNames: hosts });
  assert.deepEqual(answer.body, [{ Host: hosts[0], Score: 5 }, { Host: hosts[1], Score: 10 }]);
});

test("bind stores the binding and starts the VM; a wrong uid is refused", async () => {
  const { post, pod, vcenter, cluster, records } = await setUp();
  const args = { PodName: "web", PodNamespace: "default", PodUID: pod.metadata.uid, Node: hosts[1] };
  assert.deepEqual((await post("/bind", { ...args, PodUID: "other" })).body, { Error: `pod default/web has uid ${pod.metadata.uid}, not other` });
  assert.deepEqual(await post("/bind", args), { status: 200, body: { Error: "" } });
  assert.equal(cluster.peek(podType, { namespace: "default", name: "web" })?.spec.nodeName, hosts[1]);
  await eventually("VM", () => vcenter.vms.get(pod.metadata.uid)?.hostName === hosts[1]);
  assert.ok(records.some((step) => step.step === 6));
  assert.match((await post("/bind", args)).body["Error"], /already assigned/);
});

test("bad calls get 400, 404 and 405 with a word", async () => {
  const { post, pod } = await setUp();
  assert.deepEqual(await post("/filter", "{"), { status: 400, body: { Error: "the body is no JSON" } });
  assert.deepEqual(await post("/filter", { Pod: pod }), { status: 400, body: { Error: "Nodes or NodeNames: one of them must be there" } });
  assert.equal((await post("/filter", { NodeNames: hosts })).status, 400);
  assert.deepEqual(await post("/bind", { PodName: "web" }), { status: 400, body: { Error: "PodNamespace: must be a text that is not empty" } });
  assert.equal((await post("/preempt", {})).status, 404);
});
