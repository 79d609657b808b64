import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/log.js";
import { PlacementResult, type PlacementSpec, PlaceVmsRequest, SizePodResponse } from "../../../src/gen/spheresim/vcenter/v1/placement.js";
import type { Pod } from "../../../src/kubernetes/pod.js";
import { PlacementDesk } from "../../../src/scheduler/extension/placement-desk.js";
import { MAX_VERDICTS_OF_ANSWER } from "../../../src/vcenter/spec-limits.js";

/** The desk before a vCenter that writes down how it was asked. */
function desk() {
  const calls: (readonly PlacementSpec[])[] = [];
  const clock = new ManualClock();
  const made = new PlacementDesk({
    vcenter: {
      placeVms: async (specs) => {
        calls.push(specs);
        return specs.map(() => PlacementResult.create());
      },
    },
    sizer: { size: async () => SizePodResponse.create() },
    directory: { known: async (names) => new Set(names) },
    steps: { record: () => undefined },
    clock,
    monotonic: clock,
    log: silentLogger,
  });
  return { made, calls };
}

function pod(index: number): Pod {
  return { metadata: { namespace: "default", name: `web-${index}`, uid: `uid-${index}` }, spec: { containers: [] } } as unknown as Pod;
}

function nodesOf(count: number, domain: string): readonly string[] {
  return Array.from({ length: count }, (_, index) => `esxi-${index}.${domain}`);
}

/** Asks for so many pods at once; answers the calls of vCenter. */
async function asked(pods: number, nodes: readonly string[]): Promise<readonly (readonly PlacementSpec[])[]> {
  const { made, calls } = desk();
  await Promise.all(Array.from({ length: pods }, (_, index) => made.decide({ pod: pod(index), nodes })));
  assert.deepEqual(calls.flat().map(({ ownerUid }) => ownerUid), Array.from({ length: pods }, (_, index) => `uid-${index}`), "each once, in order");
  return calls;
}

test("a burst on a few hosts travels in one call", async () => {
  assert.deepEqual((await asked(200, nodesOf(8, "spheresim.test"))).map((specs) => specs.length), [200]);
});

test("a burst on thousands of hosts travels in calls that vCenter takes and can answer", async () => {
  for (const nodes of [nodesOf(5_000, "spheresim.test"), nodesOf(10_000, "a"), nodesOf(1_000, `${"long.".repeat(45)}test`)]) {
    const calls = await asked(40, nodes);
    assert.ok(calls.length < 40, "still several pods a call");
    for (const specs of calls) {
      assert.ok(PlaceVmsRequest.encode(PlaceVmsRequest.create({ specs: [...specs] })).finish().length < 4 * 1024 * 1024);
      assert.ok(specs.length * nodes.length <= MAX_VERDICTS_OF_ANSWER.full);
    }
  }
});

test("a pod with more hosts than a call should name is asked for alone", async () => {
  assert.deepEqual((await asked(2, nodesOf(110_000, "a"))).map((specs) => specs.length), [1, 1]);
});
