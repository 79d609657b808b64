import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ManualClock } from "../../src/base/clock.js";
import { latencyProfile, latencyProfileNames, type LatencyProfileName } from "../../src/base/latency-profile.js";
import { silentLogger } from "../../src/base/log.js";
import { RpcCode, RpcError } from "../../src/base/rpc-error.js";
import { Dice } from "../../src/base/seeded-random.js";
import { fromTimestamp } from "../../src/base/timestamp.js";
import { startCrx, type Crx } from "../../src/crx/index.js";
import { ContainerSpec, StartPodRequest } from "../../src/gen/spheresim/crx/v1/agent.js";
import { AgentServiceClient, type AgentServiceService } from "../../src/gen/spheresim/crx/v1/agent_service.js";
import { type HostVm, Personality, VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceClient, type HostServiceService } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { ManagedEntityStatus } from "../../src/gen/spheresim/vim/v1/managed_entity.js";
import { UpdateKind } from "../../src/gen/spheresim/vim/v1/update.js";
import { startHostd, type Hostd } from "../../src/hostd/index.js";
import { openChannel, type PromiseClient } from "../../src/rpc/channel.js";
import { crxSpec, podUid } from "./vm-specs.js";

const directory = mkdtempSync(join(tmpdir(), "spheresim-guest-wire-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const HOST = "esxi-01.spheresim.test";
const { GRAY, GREEN, YELLOW, RED } = ManagedEntityStatus;

/** HostD and a machine process behind real sockets, on clocks the test owns. */
interface World {
  readonly clock: ManualClock;
  readonly monotonic: ManualClock;
  readonly hostd: Hostd;
  readonly crx: Crx;
  readonly host: PromiseClient<typeof HostServiceService>;
  readonly agent: PromiseClient<typeof AgentServiceService>;
  /** Lets emulated time run until the call is answered, where something waits for it. */
  readonly settle: <T>(call: Promise<T>, stepMs: number) => Promise<T>;
  /** Lets both clocks run until the VM is so. */
  readonly until: (what: string, holds: (vm: HostVm) => boolean) => Promise<HostVm>;
}

async function withWorld(profile: LatencyProfileName, work: (world: World) => Promise<void>): Promise<void> {
  const clock = new ManualClock(1_700_000_000_000);
  const monotonic = new ManualClock();
  const common = { log: silentLogger, clock, monotonic, dice: new Dice(1), profile: latencyProfile(profile) };
  const hostd = await startHostd({ ...common, hosts: [{ name: HOST, cores: 16, cpuMhz: 2600, memoryMb: 65_536 }], dataDir: mkdtempSync(join(directory, "disk-")) });
  const crx = await startCrx({ ...common, hostdAddress: hostd.address });
  const toHostd = openChannel({ address: hostd.address });
  const toCrx = openChannel({ address: crx.address });
  const host = toHostd.client(HostServiceClient);
  const settle = async <T>(call: Promise<T>, stepMs: number): Promise<T> => {
    let settled = false;
    const done = (): void => void (settled = true);
    call.then(done, done);
    while (!settled) {
      // While nothing waits for emulated time, what goes on is a write to disk or a word on its way: it takes none.
      await clock.advance(clock.waiting > 0 ? stepMs : 0);
      await monotonic.advance(0);
    }
    return call;
  };
  const until = async (what: string, holds: (vm: HostVm) => boolean): Promise<HostVm> => {
    for (let second = 0; second < 200; second += 1) {
      const seen = await host.getVm({ vm }, { authority: HOST });
      if (holds(seen)) return seen;
      await clock.advance(1_000);
      await monotonic.advance(1_000);
    }
    throw new Error(`never: ${what}`);
  };
  try {
    await work({ clock, monotonic, hostd, crx, host, agent: toCrx.client(AgentServiceClient), settle, until });
  } finally {
    toHostd.close();
    toCrx.close();
    await crx.close();
    await hostd.close();
  }
}

const vm = { key: { $case: "uuid" as const, value: crxSpec(1).uuid } };
const personality = Personality.create({ podUid: podUid(1), namespace: "default", name: "web-1" });
const authority = `${crxSpec(1).uuid}.crx.spheresim.test`;
const startPod = (guestAnnotations: Record<string, string>): StartPodRequest =>
  StartPodRequest.create({ podUid: podUid(1), namespace: "default", name: "web-1", containers: [ContainerSpec.create({ name: "web", image: "nginx" })], guestAnnotations });

async function runPod({ host, agent, settle }: World, guestAnnotations: Record<string, string>): Promise<void> {
  await settle(host.createVm({ requestId: "", config: crxSpec(1), powerOn: true }, { authority: HOST }), 0);
  await settle(host.configurePersonality({ requestId: "", vm, personality }, { authority: HOST }), 0);
  await settle(agent.startPod(startPod(guestAnnotations), { authority }), 0);
}

/** What each phase takes by the profile, for a VM of two vCPUs; INIT_WAITING takes what its caller takes. */
const phases: Readonly<Record<LatencyProfileName, readonly (readonly [phase: VmPhase, ms: number])[]>> = {
  instant: [[VmPhase.VMX, 0], [VmPhase.VMM, 0], [VmPhase.KERNEL, 0], [VmPhase.INIT_WAITING, 7_000], [VmPhase.PERSONALITY, 0], [VmPhase.AGENT_READY, 9_000]],
  article: [[VmPhase.VMX, 40], [VmPhase.VMM, 20], [VmPhase.KERNEL, 70], [VmPhase.INIT_WAITING, 7_000], [VmPhase.PERSONALITY, 100], [VmPhase.AGENT_READY, 9_000]],
  "supervisor-1.21": [[VmPhase.VMX, 2_500], [VmPhase.VMM, 1_000], [VmPhase.KERNEL, 3_000], [VmPhase.INIT_WAITING, 7_000], [VmPhase.PERSONALITY, 6_500], [VmPhase.AGENT_READY, 9_000]],
};

for (const profile of latencyProfileNames) {
  test(`profile ${profile}: each phase of a power-on has its start and its end, and takes what the table says`, async () => {
    await withWorld(profile, async ({ clock, host, settle }) => {
      // Timers fire at their own times; a word over a socket costs a step, so the steps are small beside what is measured.
      const stepMs = profile === "instant" ? 0 : 1;
      const created = await settle(host.createVm({ requestId: "", config: crxSpec(1, { numCpus: 2 }), powerOn: true }, { authority: HOST }), stepMs);
      assert.deepEqual(created.phaseTimes.map(({ phase, endTime }) => [phase, endTime !== undefined]), [[VmPhase.VMX, true], [VmPhase.VMM, true], [VmPhase.KERNEL, true], [VmPhase.INIT_WAITING, false]]);
      const waitingSince = created.phaseTimes.at(-1)?.startTime;
      assert.ok(waitingSince !== undefined);
      await clock.advance(fromTimestamp(waitingSince) + 7_000 - clock.nowMs());
      const ready = await settle(host.configurePersonality({ requestId: "", vm, personality }, { authority: HOST }), stepMs);
      const readySince = ready.phaseTimes.at(-1)?.startTime;
      assert.ok(readySince !== undefined && ready.phase === VmPhase.AGENT_READY);
      await clock.advance(fromTimestamp(readySince) + 9_000 - clock.nowMs());
      const off = await settle(host.powerOffVm({ requestId: "", vm }, { authority: HOST }), 0);
      assert.deepEqual(off.phaseTimes.map(({ phase }) => phase), phases[profile].map(([phase]) => phase));
      off.phaseTimes.forEach(({ phase, startTime, endTime }, index) => {
        assert.ok(startTime !== undefined && endTime !== undefined);
        const [, wanted] = phases[profile][index] as readonly [VmPhase, number];
        const took = fromTimestamp(endTime) - fromTimestamp(startTime);
        // Steps in which words travel.
        assert.ok(took >= wanted && took <= wanted + (stepMs === 0 ? 0 : 60), `${VmPhase[phase]} took ${took} ms, not ${wanted}`);
        const next = off.phaseTimes[index + 1]?.startTime;
        assert.ok(next === undefined || fromTimestamp(next) === fromTimestamp(endTime), "one phase begins where the other ends");
      });
    });
  });
}

test("a guest that hangs goes yellow, red and, when it goes on, green; while it hangs its agent answers nobody", async () => {
  await withWorld("instant", async (world) => {
    await runPod(world, { "guest-hangs-after": "10s", "guest-hangs-for": "60s" });
    const colours: ManagedEntityStatus[] = [];
    const watch = world.host.watchVms({ resumeToken: "", hostName: HOST, pathSet: [] });
    const reading = (async () => {
      for await (const { kind, vm: seen } of watch) if (kind !== UpdateKind.SYNCED && seen !== undefined) colours.push(seen.guestHeartbeatStatus);
    })().catch(() => undefined);
    assert.equal((await world.until("yellow", (seen) => seen.guestHeartbeatStatus === YELLOW)).phase, VmPhase.AGENT_READY);
    await assert.rejects(world.agent.getPod({}, { authority, deadlineMs: 50 }), (error) => RpcError.is(error, RpcCode.DEADLINE_EXCEEDED));
    await world.until("red", (seen) => seen.guestHeartbeatStatus === RED);
    const asked = world.agent.getPod({}, { authority });
    await world.until("green", (seen) => seen.guestHeartbeatStatus === GREEN);
    assert.equal((await asked).containers[0]?.state?.$case, "running");
    await world.settle(world.host.powerOffVm({ requestId: "", vm }, { authority: HOST }), 0);
    watch.cancel();
    await reading;
    assert.deepEqual(colours.slice(0, 4), [GREEN, YELLOW, RED, GREEN], "and no more than these are told in a minute of beats");
  });
});

test("a guest that panics takes its VM down, with its last words as the fault", async () => {
  await withWorld("instant", async (world) => {
    await runPod(world, { "guest-panics-after": "30s" });
    const off = await world.until("off", (seen) => seen.phase === VmPhase.OFF);
    assert.deepEqual([off.guestHeartbeatStatus, off.lastFault?.fault?.$case, off.lastFault?.localizedMessage], [
      GRAY,
      "invalidState",
      "The guest died: Kernel panic - not syncing: asked for by annotation spheresim.dev/guest-panics-after",
    ]);
    assert.equal((await world.host.getHost({}, { authority: HOST })).reservedMemoryMb, 0);
  });
});
