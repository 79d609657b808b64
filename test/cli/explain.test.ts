import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { notWeighed } from "../../src/base/not-weighed.js";
import { examplesDirectory } from "../../src/base/project-files.js";
import { explanationText } from "../../src/cli/explain.js";
import { recordedAttempt } from "../../src/cli/explanation.js";
import { NodeVerdict, Outcome, StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import { Explanation } from "../../src/gen/spheresim/scheduler/v1/explain.js";
import { HostVerdict } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { nodes } from "../../src/kubernetes/resource-type.js";
import { administrator } from "../support/administrator.js";
import { eventually } from "../support/eventually.js";
import { processOf } from "../support/process-of-room.js";
import { isRunning } from "../support/process-tree.js";
import { run, withEmulator } from "../support/running-emulator.js";

const step = (number: number, second: number, fields: Partial<StepRecord> = {}): StepRecord =>
  StepRecord.create({ podUid: "u", namespace: "default", name: "web", attempt: 1, step: number, outcome: Outcome.OK, startTime: { seconds: BigInt(second), nanos: 0 }, ...fields });
const judged = (hostName: string): HostVerdict => HostVerdict.create({ hostName, verdict: { $case: "chosen", value: { total: 7, parts: [] } } });

describe("what the journal says of the last attempt", () => {
  const first = [
    step(3, 1, { nodeVerdicts: [NodeVerdict.create({ node: "a", feasible: true, score: 50 })] }),
    step(4, 2, { hostVerdicts: [judged("a")], sized: VirtualMachineConfigSpec.create({ numCpus: 2 }), subject: "a" }),
    step(5, 3, { subject: "a", message: "DRS recommends a" }),
  ];

  test("verdicts of both captains, the VM and the reason", () => {
    const { explanation, attempt, drsSilent } = recordedAttempt(first);
    assert.deepEqual([explanation.node, explanation.message, explanation.sized?.config?.numCpus, attempt, drsSilent], ["a", "DRS recommends a", 2, 1, ""]);
    assert.deepEqual([explanation.nodeVerdicts.length, explanation.hostVerdicts.length], [1, 1]);
    assert.deepEqual(explanation.notWeighed, notWeighed);
  });

  test("the worked example: a later attempt without a node left, DRS was not asked", () => {
    const { explanation, attempt, drsSilent } = recordedAttempt([...first, step(3, 9, { attempt: 2, outcome: Outcome.UNSCHEDULABLE, message: "0/1 nodes are available" })]);
    assert.deepEqual([explanation.node, explanation.message, attempt, drsSilent], ["", "0/1 nodes are available", 2, "not asked: no node was left"]);
    assert.deepEqual([explanation.hostVerdicts, explanation.notWeighed], [[], []]);
  });

  test("nodes by name, and what would have to change for Kubernetes to let each pass that it ruled out", () => {
    const out = (node: string, ...wouldPassIf: string[]): NodeVerdict => NodeVerdict.create({ node, plugin: "NodeAffinity", reasons: ["no match"], wouldPassIf });
    const refused = step(3, 1, { outcome: Outcome.UNSCHEDULABLE, nodeVerdicts: [out("n10", "label disk=ssd on n10"), NodeVerdict.create({ node: "n9", feasible: true }), out("n2", "n2 uncordoned", "label disk=ssd on n2")] });
    const text = explanationText(recordedAttempt([refused]), false);
    assert.match(text, /\nn2 +ruled out .*\nn9 +feasible.*\nn10 +ruled out /);
    assert.match(text, /\nNODE +WOULD PASS IF \(ALL OF\)\nn2 +n2 uncordoned; label disk=ssd on n2\nn10 +label disk=ssd on n10\n/);
  });

  test("step 4 filed under the attempt before is that of the attempt during which it began", () => {
    const { explanation, attempt } = recordedAttempt([first[0]!, step(4, 10, { hostVerdicts: [judged("b")] }), step(3, 9, { attempt: 2 }), step(5, 11, { attempt: 2, subject: "b" })]);
    assert.deepEqual([explanation.hostVerdicts.map((each) => each.hostName), explanation.node, attempt], [["b"], "b", 2]);
  });

  test("a pod that nobody has looked at yet", () => {
    const { explanation, drsSilent } = recordedAttempt([step(1, 1), step(2, 1)]);
    assert.match(explanation.message, /^no attempt at placing it is recorded/);
    assert.equal(drsSilent, "not asked yet");
  });

  test("a host that was ruled out has a line with all that would have to change", () => {
    const wouldFitIf = ["512 MB more unreserved memory on b", "b out of maintenance mode"];
    const out = HostVerdict.create({ hostName: "b", verdict: { $case: "fault", value: { localizedMessage: "The host b is in maintenance mode.", fault: undefined } }, wouldFitIf });
    const text = explanationText(recordedAttempt([first[0]!, step(4, 2, { hostVerdicts: [judged("a"), out] })]), false);
    assert.match(text, /\nHOST +WOULD FIT IF \(ALL OF\)\nb +512 MB more unreserved memory on b; b out of maintenance mode\n/);
    assert.doesNotMatch(explanationText(recordedAttempt(first), false), /WOULD FIT/);
  });

  test("what pool or HA would need stands once, for every host, beside what a host lacks itself", () => {
    const ofAll = ["900 MB more unreserved memory in resource pool small"];
    const ruledOut = (hostName: string, own: readonly string[]): HostVerdict =>
      HostVerdict.create({ hostName, verdict: { $case: "fault", value: { localizedMessage: "the pool is full", fault: undefined } }, wouldFitIf: [...ofAll, ...own] });
    const refused = step(4, 2, { hostVerdicts: [ruledOut("a", []), ruledOut("b", ["b out of maintenance mode"])], wouldFitIf: ofAll, outcome: Outcome.UNSCHEDULABLE });
    const attempt = recordedAttempt([first[0]!, refused]);
    assert.deepEqual(attempt.explanation.wouldFitIf, ofAll);
    assert.match(explanationText(attempt, false), /^every host +ruled out +the pool is full$/m);
    assert.match(explanationText(attempt, false), /\nHOST +WOULD FIT IF \(ALL OF\)\nevery host +900 MB more unreserved memory in resource pool small\nb +b out of maintenance mode\n/);
  });

  test("no line is wider than the terminal, whatever it says, and a word that is longer stands alone", () => {
    const long = "The available Memory resources in the parent resource pool are insufficient for the operation: small has 0 MB unreserved, 900 MB are asked for.";
    const parts = ["cpu use after placement", "memory use after placement", "use of the tighter resource"].map((name) => ({ name, value: 50, weight: 0.25, raw: 12_345, unit: "MHz" }));
    const hosts = [
      HostVerdict.create({ hostName: "esxi-01.spheresim.test", verdict: { $case: "chosen", value: { total: 71.2, parts } } }),
      HostVerdict.create({ hostName: "esxi-02.spheresim.test", verdict: { $case: "fault", value: { localizedMessage: long, fault: undefined } }, wouldFitIf: [long, long] }),
    ];
    const nodesOf = [NodeVerdict.create({ node: "esxi-03.spheresim.test", plugin: "NodeResourcesFit", reasons: [long] })];
    const attempt = recordedAttempt([step(3, 1, { nodeVerdicts: nodesOf }), step(4, 2, { hostVerdicts: hosts, sized: VirtualMachineConfigSpec.create({ numCpus: 2 }) }), step(5, 3, { message: long })]);
    for (const columns of [40, 60, 80, 120]) {
      const text = explanationText(attempt, false, columns);
      for (const line of text.split("\n")) assert.ok(line.length <= columns, `${columns}: ${line}`);
      for (const word of [...long.split(" "), "12345", "71.2", "chosen", "NodeResourcesFit:"]) assert.ok(text.includes(word), `${columns}: ${word}`);
    }
    assert.equal(explanationText(attempt, false, 1_000), explanationText(attempt, false), "a wide terminal shows what a pipe gets");
  });

  test("what the first line says is not said again", () => {
    const fault = "The pool is full";
    const every = HostVerdict.create({ hostName: "a", verdict: { $case: "fault", value: { localizedMessage: `${fault}.`, fault: undefined } }, wouldFitIf: ["more"] });
    const refused = recordedAttempt([first[0]!, step(4, 2, { hostVerdicts: [every], wouldFitIf: ["more"], message: `${fault}.`, outcome: Outcome.UNSCHEDULABLE }), step(5, 3, { message: `0/1 nodes are available: ${fault}` })]);
    const text = explanationText(refused, false);
    assert.equal(text.split(fault).length, 2, text);
    assert.match(text, /^every host +ruled out +as told above$/m);
  });

  test("a binding that failed is told", () => {
    assert.match(recordedAttempt([...first, step(6, 4, { outcome: Outcome.FAILED, subject: "a", message: "409" })]).explanation.message, /^DRS recommends a The binding failed: 409$/);
  });
});

const pod = (name: string, resources: string): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: app, image: nginx, resources: {requests: ${resources}}}]}\n`;

test("explain shows both captains' verdicts from the journal, also when scheduler and vCenter were killed", { skip: process.platform === "linux" ? false : "reads /proc" }, async (t) => {
  await withEmulator(["--hosts", "3", "--processes", "rooms", "--log-level", "silent"], async (running) => {
    const { ready } = running;
    const cli = (parameters: readonly string[], input?: string): ReturnType<typeof run> => run([...parameters, "--data-dir", ready.dataDir], input === undefined ? {} : { input });
    const client = administrator(ready);
    try {
      await client.patch(nodes, { name: "esxi-02.spheresim.test" }, { type: "merge", body: { spec: { unschedulable: true } } });
    } finally {
      await client.close();
    }
    const before = await t.test("a pod that runs", async () => {
      assert.equal((await cli(["place", "-f", "-"], pod("web", '{cpu: "1", memory: 1Gi}'))).code, 0);
    }).then(() => cli(["explain", "web"]));

    await t.test("Kubernetes on every node, DRS on every host of the list, the VM, and what is not weighed", () => {
      const { code, stdout, stderr } = before;
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, /^pod default\/web\nDRS recommends (esxi-0[13]\.spheresim\.test): .*\nas a VM: 1 vCPU, 1024 MB \+ \d+ MB overhead; reserves 2600 MHz, 1024 MB\n/);
      assert.match(stdout, /^Kubernetes \(step 3\)\nNODE +VERDICT +SCORE +WHY\n/m);
      assert.match(stdout, /^esxi-01\.spheresim\.test +feasible +\d+\.\d$/m);
      assert.match(stdout, /^esxi-02\.spheresim\.test +ruled out +NodeUnschedulable: node\(s\) were unschedulable$/m);
      assert.match(stdout, /^DRS \(step 4\)\nHOST +VERDICT +SCORE +CPU USE THEN +MEMORY USE THEN +/m);
      assert.match(stdout, /^esxi-0[13]\.spheresim\.test +chosen +\d+\.\d +\d+ MHz +\d+ MB +\d+ % +\d+ MHz +\d+ MB$/m);
      assert.match(stdout, /^esxi-0[13]\.spheresim\.test +feasible +\d+\.\d +\d+ MHz/m);
      assert.match(stdout, new RegExp(`^DRS here does not weigh yet ${notWeighed.length} things`, "m"));
      assert.match(stdout, /^NODE +WOULD PASS IF \(ALL OF\)\nesxi-02\.spheresim\.test +esxi-02\.spheresim\.test uncordoned$/m);
    });

    await t.test("as JSON it is the message of the contract; wide has values and weights", async () => {
      const json = JSON.parse((await cli(["explain", "default/web", "-o", "json"])).stdout) as object;
      const explanation = Explanation.fromJSON(json);
      assert.deepEqual([explanation.nodeVerdicts.length, explanation.hostVerdicts.length, explanation.sized?.config?.numCpus], [3, 2, 1]);
      assert.deepEqual(Explanation.toJSON(explanation), json);
      const { stdout } = await cli(["explain", "web", "-o", "wide"]);
      assert.match(stdout, /\d+ MHz \(\d+\.\d x 0\.25\)/);
      for (const each of notWeighed) assert.ok(stdout.includes(`  - ${each}\n`), each);
    });

    await t.test("the same words while both are dead and when they are back", async () => {
      const pids = ["scheduler", "vcenter"].map((room) => processOf(running.process.pid ?? 0, room) ?? -1);
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await eventually("both are dead", () => !pids.some(isRunning));
      assert.equal((await cli(["explain", "web"])).stdout, before.stdout);
      const back = await eventually("both are back", () => {
        const now = ["scheduler", "vcenter"].map((room) => processOf(running.process.pid ?? 0, room));
        return now.includes(undefined) ? undefined : now;
      });
      assert.notDeepEqual(back, pids);
      assert.equal((await cli(["explain", "web"])).stdout, before.stdout);
    });

    await t.test("a pod that Kubernetes refuses everywhere: DRS was not asked", async () => {
      assert.equal((await cli(["place", "-f", "-"], pod("giant", "{memory: 500Gi}"))).code, 1);
      const { stdout } = await cli(["explain", "giant"]);
      assert.match(stdout, /^esxi-01\.spheresim\.test +ruled out +NodeResourcesFit: Insufficient memory$/m);
      assert.match(stdout, /^DRS \(step 4\): not asked: no node was left$/m);
      assert.match(stdout, /^esxi-01\.spheresim\.test +\d+[GM]i more free memory on esxi-01\.spheresim\.test, or a pod that requests at most \d+[GM]i$/m);
      assert.doesNotMatch(stdout, /does not weigh/);
    });

    await t.test("a pod that only DRS refuses: the fault of every host, in MB", async () => {
      // Kubernetes counts requests, DRS also the overhead of the VM: a whole host is not for pods. One of them has nothing on it yet.
      const { code } = await cli(["place", "-f", "-", "--timeout", "20"], pod("tight", "{memory: 64Gi}"));
      const { stdout } = await cli(["explain", "tight"]);
      assert.equal(code, 1, stdout);
      assert.match(stdout, /^esxi-0[13]\.spheresim\.test +feasible +/m);
      assert.match(stdout, /^HOST +VERDICT +SCORE +WHY$/m);
      assert.match(stdout, /^esxi-0[13]\.spheresim\.test +ruled out +The host \S+ supports at most 65032 MB for a virtual machine with 504 MB of overhead, it is configured with 65536 MB\.$/m);
      assert.match(stdout, /^HOST +WOULD FIT IF \(ALL OF\)\n(esxi-0[13]\.spheresim\.test) +504 MB more physical memory on \1, or a VM of at most 65032 MB; \d+ MB more unreserved memory on \1$/m);
    });

    await t.test("a pod nobody knows", async () => {
      const { code, stderr } = await cli(["explain", "nobody"]);
      assert.equal(code, 1);
      assert.match(stderr, /^spheresim: no step of pod default\/nobody is recorded\n/);
    });
  });
});

test("where Kubernetes decides alone, explain and trace say so", async () => {
  await withEmulator(["--hosts", "2", "--processes", "one", "--decider", "kubernetes"], async ({ ready }) => {
    const placed = await run(["place", "-f", join(examplesDirectory, "manifests", "cache.yaml"), "--data-dir", ready.dataDir]);
    assert.equal(placed.code, 0, placed.stderr);
    assert.match(placed.stdout, /^cache +4 · .* DRS is not asked/m);
    const { stdout } = await run(["explain", "cache", "--data-dir", ready.dataDir]);
    assert.match(stdout, /^Kubernetes takes esxi-0[12]\.spheresim\.test: score \d+\.\d, drawn among 2 of that score$/m);
    assert.match(stdout, /^DRS \(step 4\): DRS is not asked: Kubernetes decides alone$/m);
    assert.doesNotMatch(stdout, /does not weigh/);
  });
});
