import { setImmediate as nextTurn } from "node:timers/promises";
import { ManualClock, monotonicClock } from "../../src/base/clock.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { type Crx, startCrx } from "../../src/crx/index.js";
import { SphereletServiceClient } from "../../src/gen/spheresim/spherelet/v1/spherelet_service.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import { events as eventType, pods as podType } from "../../src/kubernetes/resource-type.js";
import { lifecycleFinalizer } from "../../src/kubernetes/vsphere-pod.js";
import { openChannel } from "../../src/rpc/channel.js";
import { startSpherelets, type Spherelets } from "../../src/spherelet/index.js";
import { type FakeApiServer, startFakeApiServer } from "../support/fake-api-server.js";
import { FakeCluster } from "../support/fake-cluster.js";
import { SmallHostD } from "../support/small-hostd.js";
import type { WalkedPod } from "./pod-walk.js";

const HOST = "esxi-01.spheresim.test";
const UUID = "420d0000-0000-4000-8000-000000000001";
const named = { namespace: "default", name: "web" };
/** Real time that something may take to show. */
const PATIENCE_MS = 60_000;

/** One pod with a real Spherelet, a real machine process and its agent, a HostD that can be restarted, each behind a socket. */
export class WirePod implements WalkedPod {
  readonly tellsAll = false;
  readonly clock = new ManualClock(Date.UTC(2026, 0, 1));
  readonly #monotonic = new ManualClock();
  readonly #cluster = new FakeCluster(this.clock);
  readonly #hostd = new SmallHostD();
  #apiserver: FakeApiServer | undefined;
  #crx: Crx | undefined;
  #spherelets: Spherelets | undefined;
  #lives = 0;
  #uid = "";

  static async open(spec: Partial<PodSpec>, annotations: Readonly<Record<string, string>>): Promise<WirePod> {
    const wire = new WirePod();
    wire.#apiserver = await startFakeApiServer(wire.#cluster);
    await wire.#hostd.start();
    const common = { log: silentLogger, clock: wire.clock, monotonic: wire.#monotonic, profile: latencyProfile("instant") };
    wire.#crx = await startCrx({ ...common, dice: new Dice(1), hostdAddress: wire.#hostd.address });
    await wire.#startSpherelet();
    const pod = await wire.#cluster.create(podType, {
      metadata: { ...named, annotations: { "vmware-system-vm-uuid": UUID, "spheresim.dev/pod-ip": "10.244.0.7", ...annotations }, finalizers: [lifecycleFinalizer] },
      spec: { containers: [], enableServiceLinks: false, nodeName: HOST, ...spec },
      status: { phase: "Pending" },
    });
    wire.#uid = pod.metadata.uid;
    await wire.settled(() => {
      if (!wire.#hostd.isLinked) throw new Error("no machine process");
    });
    wire.#hostd.boot(UUID, wire.#uid);
    const channel = openChannel({ address: wire.#spherelets?.address ?? "" });
    await channel.client(SphereletServiceClient).configurePod({ requestId: "", ...named, podUid: wire.#uid, vmUuid: UUID, podJson: Buffer.from(JSON.stringify(pod)) }, { authority: HOST });
    channel.close();
    return wire;
  }

  get pod(): Pod {
    const pod = this.#cluster.peek(podType, named);
    if (pod === undefined) throw new Error("the pod is gone");
    return pod;
  }

  get startsTold(): number {
    return this.#cluster.peekAll(eventType).reduce((sum, { reason, count = 1 }) => sum + (reason === "Started" ? count : 0), 0);
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  async restartSpherelet(): Promise<void> {
    await this.#spherelets?.close();
    await this.#startSpherelet();
  }

  async restartHostd(): Promise<void> {
    await this.#hostd.stop();
    await this.#hostd.start();
    await this.settled(() => {
      if (!this.#hostd.isLinked) throw new Error("the machine process has not come back");
    });
  }

  losePower(): Promise<void> {
    this.#hostd.boot(UUID, this.#uid);
    return Promise.resolve();
  }

  async delete(): Promise<void> {
    await this.#cluster.delete(podType, named, { gracePeriodSeconds: 30 });
    await this.settled(() => {
      if (this.pod.metadata.deletionGracePeriodSeconds !== 0) throw new Error("not deleted yet");
    });
  }

  /** Retries go on meanwhile; emulated time does not. */
  async settled(check: () => void): Promise<void> {
    const real = monotonicClock();
    const endMs = real.nowMs() + PATIENCE_MS;
    for (;;) {
      for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      try {
        return check();
      } catch (error) {
        if (real.nowMs() > endMs) throw error;
      }
      await this.#monotonic.advance(20);
    }
  }

  async close(): Promise<void> {
    await this.#spherelets?.close();
    await this.#crx?.close();
    await this.#hostd.stop();
    await this.#apiserver?.close();
  }

  /** Timers of anybody. */
  get waiting(): number {
    return this.clock.waiting + this.#monotonic.waiting;
  }

  async #startSpherelet(): Promise<void> {
    this.#lives += 1;
    this.#spherelets = await startSpherelets({
      hosts: [{ name: HOST, cores: 16, memoryMb: 65_536 }],
      apiserver: { server: this.#apiserver?.url ?? "" },
      hostdAddress: this.#hostd.address,
      log: silentLogger,
      clock: this.clock,
      monotonic: this.#monotonic,
      dice: new Dice(`spherelet/${this.#lives}`),
    });
  }
}
