import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { HostToGuest } from "../../src/gen/spheresim/hostd/v1/guest.js";
import { GuestServiceClient } from "../../src/gen/spheresim/hostd/v1/guest_service.js";
import { type HostVm, Personality, type VmKey, VmPhase } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceClient, type HostServiceService } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import type { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { startHostd, type Hostd } from "../../src/hostd/index.js";
import { openChannel, type Channel, type DuplexStream, type PromiseClient } from "../../src/rpc/channel.js";
import type { GuestToHost } from "../../src/gen/spheresim/hostd/v1/guest.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { crxSpec, podUid } from "./vm-specs.js";

export const HOST = "esxi-01.spheresim.test";
export const vm: VmKey = { key: { $case: "instanceUuid", value: crxSpec(1).instanceUuid } };
export const crx = crxSpec(1);
export const ordinary = crxSpec(1, { guestId: "otherLinux64Guest", ownerUid: "", devices: [{ key: 1, backing: { $case: "other", value: "VirtualUSBController" } }] });
export const personality = Personality.create({ podUid: podUid(1), namespace: "default", name: "web-1" });

/** Each phase of the hardware takes so long, so that the test can stop in each. */
const PHASE_MS = 100;

/** HostD over its wire with one VM that stands still in any phase of its power-on: the test owns the clock, and is the machine process. */
export class PoweredVm {
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly monotonic = new ManualClock();
  host!: PromiseClient<typeof HostServiceService>;
  /** What still waits for the VM to get on; ends with the test. */
  readonly underWay: Promise<unknown>[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), "spheresim-powered-vm-"));
  #hostd!: Hostd;
  #channel!: Channel;
  #guests!: DuplexStream<GuestToHost, HostToGuest>;
  #orders: Promise<void> = Promise.resolve();

  static async open(config: VirtualMachineConfigSpec, phase: VmPhase): Promise<PoweredVm> {
    const world = new PoweredVm();
    await world.#start();
    await world.#reach(config, phase);
    return world;
  }

  /** Everything others see of the VMs, and how often the disk was written: the same before and after a refusal. */
  async picture(): Promise<{ readonly vms: readonly HostVm[]; readonly commits: number; readonly reservedMemoryMb: number; readonly reservedCpuMhz: number }> {
    const { vms } = await this.host.listVms({ pageSize: 0, pageToken: "" }, { authority: HOST });
    const { reservedMemoryMb, reservedCpuMhz } = await this.host.getHost({}, { authority: HOST });
    return { vms, commits: this.#hostd.diskCounts.commits, reservedMemoryMb, reservedCpuMhz };
  }

  async close(): Promise<void> {
    this.#guests.cancel();
    const closed = this.#hostd.close();
    await Promise.all(this.underWay);
    await closed;
    await this.#orders;
    this.#channel.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const durations = { ...latencyProfile("instant").durations, vmxMs: PHASE_MS, vmmMs: PHASE_MS, kernelMs: PHASE_MS, personalityMs: PHASE_MS };
    this.#hostd = await startHostd({
      hosts: [{ name: HOST, cores: 4, cpuMhz: 1000, memoryMb: 4096 }],
      dataDir: this.#directory,
      log: silentLogger,
      clock: this.clock,
      monotonic: this.monotonic,
      dice: new Dice(1),
      profile: { name: "instant", durations },
    });
    this.#channel = openChannel({ address: this.#hostd.address });
    this.host = this.#channel.client(HostServiceClient);
    this.#guests = this.#channel.client(GuestServiceClient).connect();
    await this.#guests.write({ message: { $case: "hello", value: { guests: [], name: "test" } } });
    this.#orders = this.#answer().catch(() => undefined);
  }

  /** Guests do at once what they are told. */
  async #answer(): Promise<void> {
    for await (const { message } of this.#guests) {
      const guest = message?.value.guest;
      if (message?.$case === "boot") await this.#guests.write({ message: { $case: "initWaiting", value: { guest } } });
      if (message?.$case === "personality") await this.#guests.write({ message: { $case: "agentReady", value: { guest, agentAddress: "127.0.0.1:9" } } });
    }
  }

  async #reach(config: VirtualMachineConfigSpec, phase: VmPhase): Promise<void> {
    if (phase === VmPhase.OFF) return void (await this.host.createVm({ requestId: "", config, powerOn: false }, { authority: HOST }));
    const order = config.ownerUid === "" ? [VmPhase.VMX, VmPhase.VMM, VmPhase.RUNNING] : [VmPhase.VMX, VmPhase.VMM, VmPhase.KERNEL, VmPhase.INIT_WAITING];
    const created = this.host.createVm({ requestId: "", config, powerOn: true }, { authority: HOST });
    this.underWay.push(created.catch(() => undefined));
    for (const next of order) {
      if (next !== VmPhase.VMX) await this.clock.advance(PHASE_MS);
      await this.#until(next);
      if (next === phase) return;
    }
    await created;
    const ready = this.host.configurePersonality({ requestId: "", vm, personality }, { authority: HOST });
    this.underWay.push(ready.catch(() => undefined));
    await this.#until(VmPhase.PERSONALITY);
    if (phase === VmPhase.PERSONALITY) return;
    await this.clock.advance(PHASE_MS);
    await ready;
  }

  async #until(phase: VmPhase): Promise<void> {
    for (;;) {
      const { vms } = await this.host.listVms({ pageSize: 0, pageToken: "" }, { authority: HOST });
      if (vms[0]?.phase === phase) break;
    }
    // Its operation has let go of it, or its next timer runs.
    for (let turn = 0; turn < 5; turn += 1) await this.clock.advance(0);
  }
}
