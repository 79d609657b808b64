import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { RpcCode } from "../../src/base/rpc-error.js";
import { toTimestamp } from "../../src/base/timestamp.js";
import type { Duration } from "../../src/gen/google/protobuf/duration.js";
import { PlacementSpec, VerdictDetail } from "../../src/gen/spheresim/vcenter/v1/placement.js";
import { type ActivityProfile, VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { useAt } from "../../src/vcenter/activity/activity.js";
import { predictedDemand } from "../../src/vcenter/drs/demand.js";
import { vmShape } from "../../src/vcenter/drs/vm-shape.js";
import { eventually } from "../support/eventually.js";
import { refusal } from "./refusal.js";
import { hostKey, World } from "./world.js";

const NOON = Date.UTC(2026, 0, 1, 12);
const HOUR = 3_600_000;
const seconds = (count: number): Duration => ({ seconds: BigInt(count), nanos: 0 });
type Profile = NonNullable<ActivityProfile["profile"]>;
const startedAtNoon = (profile: Profile): ActivityProfile => ({ profile, startTime: toTimestamp(NOON) });

const WAVE: Profile = { $case: "dailyWave", value: { minCpuMhz: 200, maxCpuMhz: 1000, peakHour: 14, minMemoryMb: 100, maxMemoryMb: 300 } };
const TRACE: Profile = {
  $case: "trace",
  value: { samples: [{ offset: seconds(0), cpuMhz: 100, memoryMb: 1 }, { offset: seconds(60), cpuMhz: 900, memoryMb: 2 }], repeatEvery: seconds(120) },
};
const IDLE_AFTER: Profile = { $case: "idleAfter", value: { busy: { cpuMhz: 700, memoryMb: 7 }, after: seconds(30) } };

test("the worked examples of every profile", () => {
  const mhz = (profile: Profile, atMs: number): number => useAt(startedAtNoon(profile), atMs).cpuMhz;
  assert.deepEqual([useAt(undefined, NOON), useAt({ profile: { $case: "constant", value: { cpuMhz: 5, memoryMb: 6 } }, startTime: undefined }, 0)], [{ cpuMhz: 0, memoryMb: 0 }, { cpuMhz: 5, memoryMb: 6 }]);
  assert.deepEqual([14, 2, 8, 20].map((hour) => mhz(WAVE, NOON + (hour - 12) * HOUR)), [1000, 200, 600, 600]);
  assert.deepEqual(useAt(startedAtNoon(WAVE), NOON + 2 * HOUR), { cpuMhz: 1000, memoryMb: 300 });
  assert.deepEqual([-5, 0, 59.999, 60, 119.999, 120, 180].map((at) => mhz(TRACE, NOON + at * 1000)), [100, 100, 100, 900, 900, 100, 900]);
  const once: Profile = { $case: "trace", value: { samples: TRACE.$case === "trace" ? TRACE.value.samples : [], repeatEvery: undefined } };
  assert.equal(mhz(once, NOON + 1000 * HOUR), 900, "the last sample holds for ever");
  assert.deepEqual([-1, 0, 29.999, 30, 31].map((at) => mhz(IDLE_AFTER, NOON + at * 1000)), [700, 700, 700, 0, 0]);
});

test("a trace is read by halving as by walking", () => {
  const samples = Array.from({ length: 997 }, (_, index) => ({ offset: seconds(index * 7), cpuMhz: index, memoryMb: 0 }));
  const trace = startedAtNoon({ $case: "trace", value: { samples, repeatEvery: undefined } });
  for (let second = 0; second < 7100; second += 13) assert.equal(useAt(trace, NOON + second * 1000).cpuMhz, Math.min(996, Math.floor(second / 7)));
});

test("memory demand: the published example, active and a quarter of what is consumed beside it", () => {
  const config = VirtualMachineConfigSpec.fromPartial({ numCpus: 4, memoryMb: 16_384, overheadMemoryMb: 90 });
  const shape = vmShape(config, { cpuMhz: 0, memoryMb: 5734, consumedMemoryMb: 12_288 });
  assert.equal(predictedDemand(shape, 2000).memoryMb, 7462.5);
});

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function create(memoryMb: number, activity: ActivityProfile | undefined) {
  const config = { ...VirtualMachineConfigSpec.fromPartial({ name: "vm", numCpus: 2, memoryMb }), activity };
  return world?.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: true }) ?? assert.fail();
}

test("host and pool follow emulated time minute by minute, CPU at once and active memory falling slowly, until power-off", async () => {
  const clock = new ManualClock(NOON);
  world = await World.start(1, { clock });
  const opened = world;
  const figures = async () => {
    const { hosts, resourcePools } = await opened.inventory.getInventory({});
    return [hosts[0]?.usage?.activeCpuMhz, hosts[0]?.usage?.activeMemoryMb, resourcePools[0]?.usage?.activeCpuMhz, resourcePools[0]?.usage?.activeMemoryMb];
  };
  const trace: Profile = { $case: "trace", value: { samples: [{ offset: seconds(0), cpuMhz: 100, memoryMb: 10 }, { offset: seconds(90), cpuMhz: 900, memoryMb: 1000 }, { offset: seconds(170), cpuMhz: 50, memoryMb: 20 }], repeatEvery: undefined } };
  const { result: vm } = await world.ended(await create(1024, { profile: trace, startTime: undefined }));
  const shown = await world.machines.getVm({ target: { $case: "vm", value: vm ?? assert.fail() } });
  assert.deepEqual(shown.activity?.startTime, toTimestamp(NOON), "offsets count from its creation");
  assert.deepEqual(await figures(), [100, 10, 100, 10]);
  await clock.advance(60_000);
  assert.deepEqual(await figures(), [100, 10, 100, 10]);
  await clock.advance(60_000);
  assert.deepEqual(await figures(), [900, 1000, 900, 1000]);
  await clock.advance(60_000);
  assert.deepEqual(await figures(), [50, 505, 50, 505], "half way by the fast average, which one busy minute had half way up");
  await clock.advance(60_000);
  assert.deepEqual(await figures(), [50, 262, 50, 262]);
  for (let minute = 0; minute < 30; minute += 1) await clock.advance(60_000);
  assert.deepEqual(await figures(), [50, 20, 50, 20]);
  await world.ended(await world.machines.powerOffVm({ requestId: "", vm }));
  assert.deepEqual(await figures(), [0, 0, 0, 0]);
  await clock.advance(60_000);
  assert.deepEqual(await figures(), [0, 0, 0, 0]);
});

test("a vCenter that starts reads the use of that moment", async () => {
  const clock = new ManualClock(NOON);
  world = await World.start(1, { clock });
  const opened = world;
  await world.ended(await create(1024, { profile: IDLE_AFTER, startTime: undefined }));
  await world.stopVcenter();
  await clock.advance(31_000);
  await world.startVcenter();
  await world.connected(1);
  await eventually("idle", async () => (await opened.inventory.getInventory({})).hosts[0]?.usage?.activeCpuMhz === 0);
});

test("a wave that does not run yet is expected to reach its top: by a placement, by what is held for it, and for one that is off", async () => {
  const here = await World.start(1, { clock: new ManualClock(Date.UTC(2026, 0, 1, 2)) });
  world = here;
  const wave = { minCpuMhz: 0, maxCpuMhz: 6000, minMemoryMb: 0, maxMemoryMb: 0, peakHour: 14 };
  const config = VirtualMachineConfigSpec.fromPartial({ name: "wave", guestId: "otherGuest64", numCpus: 4, memoryMb: 256, activity: { profile: { $case: "dailyWave", value: wave } } });
  const expectedMhz = async (spec: Partial<PlacementSpec>): Promise<number | undefined> => {
    const { verdicts } = await here.placement.placeVm({ requestId: "", spec: PlacementSpec.fromPartial(spec), holdFor: undefined, verdictDetail: VerdictDetail.FULL });
    const verdict = verdicts[0]?.verdict;
    return verdict?.$case === "chosen" ? verdict.value.parts.find(({ name }) => name === "cpu use after placement")?.raw : undefined;
  };
  assert.equal(await expectedMhz({ config }), 6000);
  assert.equal(await expectedMhz({ config }), 12_000, "beside what is held for the first");
  const { result: vm } = await here.ended(await here.machines.createVm({ requestId: "", config, host: hostKey(1), pool: undefined, powerOn: false }));
  assert.equal(await expectedMhz({ vm }), 18_000, "beside both");
});

test("what no profile can be is refused by its field", async () => {
  world = await World.start(1);
  const { result: vm } = await world.ended(await create(1024, undefined));
  const wave = (change: object): Profile => ({ $case: "dailyWave", value: { ...(WAVE.$case === "dailyWave" ? WAVE.value : assert.fail()), ...change } });
  const trace = (samples: readonly (readonly [number, number, number])[], repeatEvery?: Duration): Profile => ({ $case: "trace", value: { samples: samples.map(([at, cpuMhz, memoryMb]) => ({ offset: seconds(at), cpuMhz, memoryMb })), repeatEvery } });
  const idle = (change: object): Profile => ({ $case: "idleAfter", value: { busy: { cpuMhz: 1, memoryMb: 1 }, after: seconds(1), ...change } });
  const cases: readonly [Profile, string][] = [
    [wave({ minCpuMhz: -1 }), "daily_wave.min_cpu_mhz"],
    [wave({ maxCpuMhz: -1 }), "daily_wave.max_cpu_mhz"],
    [wave({ minCpuMhz: 1001 }), "daily_wave.min_cpu_mhz"],
    [wave({ peakHour: 24 }), "daily_wave.peak_hour"],
    [wave({ peakHour: -1 }), "daily_wave.peak_hour"],
    [wave({ minMemoryMb: -1 }), "daily_wave.min_memory_mb"],
    [wave({ maxMemoryMb: 1025 }), "daily_wave.max_memory_mb"],
    [wave({ minMemoryMb: 301 }), "daily_wave.min_memory_mb"],
    [trace([]), "trace.samples"],
    [trace(Array.from({ length: 10_001 }, (_, index) => [index, 0, 0] as const)), "trace.samples"],
    [trace([[0, -1, 0]]), "trace.samples[0].cpu_mhz"],
    [trace([[0, 0, 0], [1, 0, 1025]]), "trace.samples[1].memory_mb"],
    [trace([[5, 0, 0], [5, 0, 0]]), "trace.samples[1].offset"],
    [trace([[-1, 0, 0]]), "trace.samples[0].offset"],
    [trace([[0, 0, 0]], seconds(0)), "trace.repeat_every"],
    [trace([[0, 0, 0], [9, 0, 0]], seconds(8)), "trace.repeat_every"],
    [idle({ busy: undefined }), "idle_after.busy"],
    [idle({ busy: { cpuMhz: 0, memoryMb: -1 } }), "idle_after.busy.memory_mb"],
    [idle({ after: undefined }), "idle_after.after"],
    [idle({ after: seconds(0) }), "idle_after.after"],
  ];
  for (const [profile, field] of cases) {
    const error = await refusal(world.machines.setActivity({ requestId: "", vm, activity: { profile, startTime: undefined } }));
    assert.deepEqual([error.code, error.reason, error.fields], [RpcCode.INVALID_ARGUMENT, "InvalidArgument", [`activity.${field}`]]);
    const config = VirtualMachineConfigSpec.fromPartial({ name: "other", numCpus: 1, memoryMb: 1024 });
    const creating = await refusal(world.machines.createVm({ requestId: "", config: { ...config, activity: { profile, startTime: undefined } }, host: hostKey(1), pool: undefined, powerOn: false }));
    assert.deepEqual(creating.fields, [`config.activity.${field}`]);
  }
  const late = await refusal(world.machines.setActivity({ requestId: "", vm, activity: { profile: IDLE_AFTER, startTime: { seconds: 10n ** 15n, nanos: 0 } } }));
  assert.deepEqual(late.fields, ["activity.start_time"]);
  assert.equal((await world.machines.getVm({ target: { $case: "vm", value: vm ?? assert.fail() } })).activity, undefined);
});
