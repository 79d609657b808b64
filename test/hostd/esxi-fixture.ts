import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BoundedQueue } from "../../src/base/bounded-queue.js";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import type { GuestKey, HostToGuest } from "../../src/gen/spheresim/hostd/v1/guest.js";
import type { VmKey } from "../../src/gen/spheresim/hostd/v1/host.js";
import type { EsxiHost } from "../../src/hostd/esxi-host.js";
import { EsxiProcess } from "../../src/hostd/esxi-process.js";
import { HostFault } from "../../src/hostd/host-fault.js";
import type { PowerOnDurations } from "../../src/hostd/host-spec.js";
import type { PowerOnFact } from "../../src/hostd/power-cycle.js";
import { crxSpec } from "./vm-specs.js";

export const instant: PowerOnDurations = { vmxMs: 0, vmmMs: 0, kernelMs: 0, personalityMs: 0 };

/** Hosts without a socket, on a disk of their own and clocks the test owns. */
export class EsxiFixture {
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly monotonic = new ManualClock();
  readonly facts: PowerOnFact[] = [];
  readonly directory: string;
  esxi!: EsxiProcess;
  readonly #durations: PowerOnDurations;

  constructor(durations: PowerOnDurations = instant, directory = mkdtempSync(join(tmpdir(), "spheresim-esxi-"))) {
    this.#durations = durations;
    this.directory = directory;
  }

  /** Boots (again) with the disk that is there. */
  async boot(): Promise<this> {
    const { clock, monotonic, directory } = this;
    this.esxi = await EsxiProcess.boot({
      hosts: ["esxi-01.spheresim.test", "esxi-02.spheresim.test"].map((name) => ({ name, cores: 4, cpuMhz: 1000, memoryMb: 4096 })),
      dataDir: directory,
      log: silentLogger,
      clock,
      monotonic,
      durations: this.#durations,
      onPowerOn: (fact) => void this.facts.push(fact),
    });
    return this;
  }

  get host(): EsxiHost {
    return this.esxi.hosts.get("esxi-01.spheresim.test")?.running as EsxiHost;
  }

  get otherHost(): EsxiHost {
    return this.esxi.hosts.get("esxi-02.spheresim.test")?.running as EsxiHost;
  }

  async stop(): Promise<void> {
    this.esxi.powerDown();
    await this.esxi.disk.close();
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Moves emulated time on in small steps until the promise settles. */
  async settle<T>(promise: Promise<T>, clock = this.clock): Promise<T> {
    let settled = false;
    const done = (): void => void (settled = true);
    promise.then(done, done);
    while (!settled) await clock.advance(5);
    return promise;
  }
}

/** A machine process whose guests do what they should, unless told otherwise. */
export class FakeMachine {
  readonly orders: NonNullable<HostToGuest["message"]>[] = [];
  answersBoot = true;
  answersPersonality = true;
  readonly #esxi: EsxiProcess;
  #queue: BoundedQueue<HostToGuest> | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(esxi: EsxiProcess) {
    this.#esxi = esxi;
  }

  connect(guests: GuestKey[] = []): this {
    const queue = this.#esxi.guestsHere({ guests, name: "fake" });
    this.#queue = queue;
    this.#reading = this.#read(queue);
    return this;
  }

  async disconnect(): Promise<void> {
    if (this.#queue !== undefined) this.#esxi.guestsGone(this.#queue);
    await this.#reading;
  }

  async #read(queue: BoundedQueue<HostToGuest>): Promise<void> {
    for await (const { message } of queue) {
      if (message === undefined) continue;
      this.orders.push(message);
      const { guest } = message.value;
      if (message.$case === "boot" && this.answersBoot) await this.#esxi.heard({ message: { $case: "initWaiting", value: { guest } } });
      if (message.$case === "personality" && this.answersPersonality) await this.#esxi.heard({ message: { $case: "agentReady", value: { guest, agentAddress: "127.0.0.1:9" } } });
    }
  }
}

/** The n-th pod VM, for a call. */
export function vmKey(n: number): VmKey {
  return { key: { $case: "instanceUuid", value: crxSpec(n).instanceUuid } };
}

/** For assert.rejects: a HostFault of this case. */
export function isFault(name: HostFault["case"], check: (fault: HostFault) => void = () => undefined): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof HostFault) || error.case !== name) throw error;
    check(error);
    return true;
  };
}
