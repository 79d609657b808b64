import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { Pace } from "../../src/base/pace.js";
import { RpcCode } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { atOnce, type Slices } from "../../src/base/slices.js";
import { HostPowerState, HostSpec } from "../../src/gen/spheresim/vcenter/v1/inventory.js";
import { type PlacementResult, PlaceVmsResponse, VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { HostChoice } from "../../src/vcenter/placement/host-choice.js";
import { Journal } from "../../src/vcenter/placement/journal.js";
import { type Answer, Placements } from "../../src/vcenter/placement/placements.js";
import { encodedAsOneOf, encodedWithin } from "../../src/vcenter/services/encoded-placement.js";
import { MAX_ANSWER_BYTES, MAX_VERDICTS_OF_ANSWER } from "../../src/vcenter/spec-limits.js";
import { podSpec, warmCluster, type WarmCluster } from "../bench/placement-speed/cluster.js";

const HOSTS = 300;
const FULL = { verdictDetail: VerdictDetail.FULL };

/** A millisecond passes at each look, so that what can pause pauses all the time. */
const hurried = { nowMs: 0 };
const clock = Object.assign(new ManualClock(), { nowMs: () => (hurried.nowMs += 1) });

let cluster: WarmCluster;
afterEach(() => cluster.holds.close());

function placementsIn({ inventory, holds }: WarmCluster, monotonic = clock): Placements {
  return new Placements({ inventory, holds, clock, monotonic, choice: new HostChoice({ inventory, dice: new Dice("placements") }), journal: new Journal(undefined, clock), epoch: 1n });
}

/** Results as they are. */
// oxlint-disable-next-line require-yield -- it has nothing to pause for
function* asIs(result: PlacementResult): Slices<PlacementResult> {
  return result;
}

/** Does the work; `between` has its turn at each pause. Answers how many there were. */
function interleaved<T>(work: Slices<T>, between: (pause: number) => void): { readonly value: T; readonly pauses: number } {
  for (let pauses = 0; ; pauses += 1) {
    const slice = work.next();
    if (slice.done === true) return { value: slice.value, pauses };
    between(pauses);
  }
}

function hostOf({ recommendations }: PlacementResult): string {
  return recommendations[0]?.actions[0]?.targetHost?.value ?? "none";
}

/** Every verdict's parts make its total, and each is at most as good as the one before. */
function isConsistent({ verdicts, recommendations }: PlacementResult): void {
  assert.equal(verdicts.length, HOSTS);
  assert.equal(verdicts[0]?.host?.value, recommendations[0]?.actions[0]?.targetHost?.value);
  let before = Infinity;
  for (const { verdict } of verdicts) {
    assert.ok(verdict?.$case === "chosen" || verdict?.$case === "feasible");
    const { total, parts } = verdict.value;
    assert.ok(Math.abs(parts.reduce((sum, part) => sum + part.value * part.weight, 0) - total) < 1e-9);
    assert.ok(total <= before);
    before = total;
  }
}

test("a batch in slices decides, and says of each host, what it does at once", () => {
  cluster = warmCluster(HOSTS);
  const specs = Array.from({ length: 6 }, (_, index) => podSpec(index));
  const there = interleaved(placementsIn(cluster).placeAll(specs, FULL, asIs), () => undefined);
  assert.ok(there.pauses > 100, `${there.pauses} pauses`);
  for (const { ownerUid } of specs) cluster.holds.dropOwner(ownerUid);
  const still = new ManualClock();
  const here = placementsIn(cluster, Object.assign(still, { nowMs: () => 0 }));
  const without = (results: readonly PlacementResult[]): unknown => results.map(({ verdicts, ...result }) => [verdicts, hostOf(result as PlacementResult)]);
  const atOneGo = interleaved(here.placeAll(specs, FULL, asIs), () => undefined);
  assert.equal(atOneGo.pauses, 0);
  assert.deepEqual(without(there.value), without(atOneGo.value));
});

test("what others place in the pauses of a batch neither changes what it says of a decision nor is overlooked by the next one", () => {
  cluster = warmCluster(HOSTS);
  const { inventory } = cluster;
  const placements = placementsIn(cluster);
  let placed = 0;
  const free = (): number[] => inventory.hosts.map(({ moid }) => inventory.ledger.host(moid).capacity.memoryMb - inventory.ledger.host(moid).reserved.memoryMb);
  const { value } = interleaved(placements.placeAll(Array.from({ length: 6 }, (_, index) => podSpec(index)), FULL, asIs), (pause) => {
    if (pause % 20 !== 0) return;
    placed += 1;
    assert.notEqual(hostOf(atOnce(placements.placeOne(podSpec(1_000 + pause), { verdictDetail: VerdictDetail.NONE }))), "none");
  });
  assert.ok(placed > 10);
  for (const result of value) isConsistent(result);
  assert.ok(free().every((mb) => mb >= 0));
  assert.equal(cluster.holds.size, 6 + placed);
});

test("a host that leaves in a pause is no longer looked at; one that comes is", () => {
  cluster = warmCluster(HOSTS);
  const { inventory } = cluster;
  // Nothing else is as good as an empty host.
  const spec = HostSpec.fromPartial({ name: "a-host.spheresim.test", numCpuCores: 64, cpuMhz: 2600, memoryMb: 262_144, datastores: ["vsan"], networks: ["workload"] });
  const empty = { moid: "host-9000", spec, cluster: "domain-c1", address: "", disconnected: false, inMaintenanceMode: false, inQuarantineMode: false, powerState: HostPowerState.POWERED_ON, responding: true };
  inventory.putHost(empty);
  let pauses = 0;
  const { value } = interleaved(placementsIn(cluster).placeAll(Array.from({ length: 4 }, (_, index) => podSpec(index)), FULL, asIs), () => {
    pauses += 1;
    if (pauses !== 3) return;
    cluster.holds.dropHost(empty.moid);
    inventory.removeHost(empty.moid);
    inventory.putHost({ ...empty, moid: "host-9001", spec: { ...spec, name: "b-host.spheresim.test", networks: [] } });
    inventory.putHost({ ...empty, moid: "host-9002", spec: { ...spec, name: "c-host.spheresim.test" } });
  });
  const chosen = value.map(hostOf);
  assert.deepEqual(chosen, ["host-9000", "host-9002", "host-9002", "host-9002"]);
  assert.equal(value.at(0)?.verdicts.length, HOSTS + 1);
  assert.equal(value.at(-1)?.verdicts.length, HOSTS + 2);
  assert.deepEqual(value.at(-1)?.verdicts.filter(({ verdict }) => verdict?.$case === "fault").map(({ host }) => host?.value), ["host-9001"]);
});

test("the bytes of a batch are its message, however they are cut", () => {
  cluster = warmCluster(HOSTS);
  const results = atOnce(placementsIn(cluster).placeAll([podSpec(1), podSpec(2, tooLarge())], FULL, asIs));
  const whole = PlaceVmsResponse.decode(PlaceVmsResponse.encode({ results }).finish());
  const pieces = results.map((result) => atOnce(encodedAsOneOf(result, new Pace(clock))));
  assert.deepEqual(PlaceVmsResponse.decode(Buffer.concat(pieces)), whole);
  assert.deepEqual(whole.results.map(({ verdicts }) => verdicts.length), [HOSTS, HOSTS]);
});

test("verdicts that are more than an answer can hold are refused before anything is placed, saying how many there may be", () => {
  cluster = warmCluster(400);
  const placements = placementsIn(cluster);
  const specs = Array.from({ length: 256 }, (_, index) => podSpec(index));
  const place = (answer: Answer) => interleaved(placements.placeAll(specs, answer, asIs), () => undefined);
  const fault = "verdict_detail: FULL verdicts of 256 specs would be 102400, at most 100000 are told in one answer: ask with fewer specs or max_verdicts, or for SUMMARY (at most 400000)";
  assert.throws(() => place(FULL), { name: "VimFault", message: fault, violations: [{ field: "verdict_detail", description: fault.slice("verdict_detail: ".length) }] });
  assert.equal(cluster.holds.size, 0);
  assert.equal(place({ ...FULL, maxVerdicts: 2 }).value.length, 256);
  assert.equal(place({ verdictDetail: VerdictDetail.NONE }).value.length, 256);
});

test("as many verdicts as are told with FULL fit an answer, whether hosts will do or not", () => {
  cluster = warmCluster(HOSTS);
  for (const spec of [podSpec(1), podSpec(2, tooLarge())]) {
    const [bytes] = atOnce(placementsIn(cluster).placeAll([spec], FULL, (result, pace) => encodedAsOneOf(result, pace)));
    assert.ok(((bytes?.length ?? Infinity) / HOSTS) * MAX_VERDICTS_OF_ANSWER.full < MAX_ANSWER_BYTES, `${bytes?.length} bytes of ${HOSTS} verdicts`);
  }
});

test("a batch whose answer grows too large all the same holds nothing", () => {
  cluster = warmCluster(HOSTS);
  const specs = Array.from({ length: 4 }, (_, index) => podSpec(index));
  const [one] = atOnce(placementsIn(cluster).placeAll(specs.slice(0, 1), FULL, encodedWithin(MAX_ANSWER_BYTES)));
  const room = (one?.length ?? 0) * 3;
  assert.throws(() => atOnce(placementsIn(cluster).placeAll(specs, FULL, encodedWithin(room))), { code: RpcCode.RESOURCE_EXHAUSTED, message: /larger than max \(\d+ vs\. \d+\): ask with fewer specs/ });
  assert.equal(cluster.holds.size, 0);
});

/** A VM that no host can take. */
function tooLarge(): Pick<ReturnType<typeof podSpec>, "config"> {
  const { config } = podSpec(2);
  return { config: config === undefined ? undefined : { ...config, numCpus: 65 } };
}
