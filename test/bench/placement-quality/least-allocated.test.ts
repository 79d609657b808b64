import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "../../../src/kubernetes/node.js";
import type { Pod } from "../../../src/kubernetes/pod.js";
import { NodeInfo, usageOf } from "../../../src/scheduler/kube/node-info.js";
import { nodeResourcesFit } from "../../../src/scheduler/kube/plugins/node-resources-fit.js";
import { aNode, aPod } from "../../support/kube-objects.js";
import { leastAllocatedScore } from "./least-allocated.js";
import type { Request } from "./workload.js";
import { fc } from "../../support/properties.js";

const score = (cpuMilli: number, memoryMib: number, askedMilli: number, askedMib: number): number => leastAllocatedScore({ cpuMilli, memoryMib }, { cpuMilli: askedMilli, memoryMib: askedMib });

function amounts({ cpuMilli, memoryMib }: Request): Record<string, string> {
  return { cpu: `${cpuMilli}m`, memory: `${memoryMib}Mi` };
}

test("Kubernetes' own examples (least_allocated_test.go)", () => {
  // Nothing scheduled, 3,000 and 5,000 requested, nodes of different size.
  assert.equal(score(4000, 10_000, 3000, 5000), 37);
  assert.equal(score(6000, 10_000, 3000, 5000), 50);
  // Pods scheduled with resources.
  assert.equal(score(10_000, 20_000, 6000, 5000), 57);
  assert.equal(score(10_000, 20_000, 6000, 10_000), 45);
  // More CPU requested than there is.
  assert.equal(score(4000, 10_000, 6000, 0), 50);
  assert.equal(score(4000, 10_000, 6000, 5000), 25);
});

test("a resource that a node does not have is left out", () => {
  assert.equal(score(0, 10_000, 100, 2500), 75);
  assert.equal(score(0, 0, 100, 200), 0);
});

test("it scores like the scheduler's plugin", () => {
  const amount = fc.record({ cpuMilli: fc.integer({ min: 1, max: 200_000 }), memoryMib: fc.integer({ min: 1, max: 2_000_000 }) });
  fc.assert(
    fc.property(amount, amount, (capacity, request) => {
      const node = new NodeInfo("n");
      const metadata = { uid: "u", resourceVersion: "1", creationTimestamp: "", name: "n" };
      const described: Node = { ...aNode("n", { allocatable: amounts(capacity) }), metadata };
      node.node = described;
      const pod: Pod = { ...aPod("p", amounts(request)), metadata };
      const usage = usageOf(pod);
      assert.deepEqual(nodeResourcesFit.score(usage, [node]), [leastAllocatedScore(capacity, request)]);
    }),
  );
});
