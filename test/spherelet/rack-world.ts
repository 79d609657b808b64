import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ManualClock } from "../../src/base/clock.js";
import { latencyProfile } from "../../src/base/latency-profile.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import { startCrx, type Crx } from "../../src/crx/index.js";
import { AgentServiceClient } from "../../src/gen/spheresim/crx/v1/agent_service.js";
import type { HostHardware, HostServiceKey } from "../../src/gen/spheresim/hostd/v1/hardware.js";
import { HardwareServiceClient, type HardwareServiceService } from "../../src/gen/spheresim/hostd/v1/hardware_service.js";
import type { HostVm, VmKey } from "../../src/gen/spheresim/hostd/v1/host.js";
import { HostServiceClient, type HostServiceService } from "../../src/gen/spheresim/hostd/v1/host_service.js";
import { SphereletServiceClient } from "../../src/gen/spheresim/spherelet/v1/spherelet_service.js";
import { startHostd, type Hostd } from "../../src/hostd/index.js";
import type { Node } from "../../src/kubernetes/node.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import { leases, nodes as nodeType, pods as podType } from "../../src/kubernetes/resource-type.js";
import { lifecycleFinalizer } from "../../src/kubernetes/vsphere-pod.js";
import { openChannel, type Channel, type PromiseClient } from "../../src/rpc/channel.js";
import { startSpherelets, type Spherelets, type SphereletsOptions } from "../../src/spherelet/index.js";
import { crxSpec } from "../hostd/vm-specs.js";
import { eventually } from "../support/eventually.js";
import { FakeCluster } from "../support/fake-cluster.js";
import { startFakeApiServer, type FakeApiServer } from "../support/fake-api-server.js";

export const FIRST = "esxi-01.spheresim.test";
export const SECOND = "esxi-02.spheresim.test";
export const THIRD = "esxi-03.spheresim.test";
export const START_MS = Date.UTC(2026, 0, 1);

/** Two ESXi hosts in a rack, HostD, CRX and Spherelets real, on clocks the test owns, before an API server in memory. */
export class RackWorld {
  readonly clock = new ManualClock(START_MS);
  readonly monotonic = new ManualClock();
  readonly cluster = new FakeCluster(this.clock);
  readonly #directory = mkdtempSync(join(tmpdir(), "spheresim-rack-"));
  readonly #dice = new Dice("rack");
  apiserver!: FakeApiServer;
  hostd!: Hostd;
  crx!: Crx;
  spherelets!: Spherelets;
  hardware!: PromiseClient<typeof HardwareServiceService>;
  host!: PromiseClient<typeof HostServiceService>;
  #channel!: Channel;

  static async start(options: Partial<SphereletsOptions> = {}): Promise<RackWorld> {
    const world = new RackWorld();
    const { clock, monotonic, cluster } = world;
    const common = { log: silentLogger, clock, monotonic, dice: world.#dice, profile: latencyProfile("instant") };
    const hosts = [FIRST, SECOND].map((name) => ({ name, cores: 4, cpuMhz: 1000, memoryMb: 8192 }));
    world.apiserver = await startFakeApiServer(cluster);
    world.hostd = await startHostd({ ...common, hosts, dataDir: join(world.#directory, "esxi") });
    world.crx = await startCrx({ ...common, hostdAddress: world.hostd.address });
    world.spherelets = await startSpherelets({ ...common, hosts, apiserver: { server: world.apiserver.url }, hostdAddress: world.hostd.address, ...options });
    // What is there before the first list counts as recovered.
    await eventually("pods are watched", () => cluster.calls.some(({ verb, path }) => verb === "watch" && path === "/api/v1/pods"));
    world.#channel = openChannel({ address: world.hostd.address });
    world.hardware = world.#channel.client(HardwareServiceClient);
    world.host = world.#channel.client(HostServiceClient);
    return world;
  }

  async close(): Promise<void> {
    this.#channel.close();
    await this.spherelets.close();
    await this.crx.close();
    await this.hostd.close();
    await this.apiserver.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  power(name: string, poweredOn: boolean): Promise<HostHardware> {
    return this.hardware.setPower({ requestId: "", name, poweredOn });
  }

  network(name: string, connected: boolean): Promise<HostHardware> {
    return this.hardware.setNetwork({ requestId: "", name, connected });
  }

  service(name: string, service: HostServiceKey, running: boolean): Promise<HostHardware> {
    return this.hardware.setService({ requestId: "", name, service, running });
  }

  addHardware(name: string): Promise<HostHardware> {
    return this.hardware.addHardware({ requestId: "", name, numCpuCores: 8, cpuMhz: 2000, memoryMb: 16_384, labels: { "topology.kubernetes.io/zone": "c" } });
  }

  /** The n-th pod with its VM on a host, bound and configured: steps 7 to 11. */
  async runPod(n: number, node: string, spec: Partial<PodSpec> = {}): Promise<Pod> {
    const pod = await this.createPod(n, node, spec);
    await this.configure(n, pod);
    return pod;
  }

  async createPod(n: number, node: string, spec: Partial<PodSpec> = {}): Promise<Pod> {
    const config = crxSpec(n);
    const pod = await this.cluster.create(podType, {
      metadata: {
        name: `web-${n}`,
        namespace: "default",
        annotations: { mac: "04:50:56:00:00:01", vlan: "None", attachment_id: "port-1", "spheresim.dev/pod-ip": `10.244.0.${n + 2}`, "vmware-system-vm-uuid": config.uuid },
        finalizers: [lifecycleFinalizer],
      },
      spec: { containers: [{ name: "web", image: "nginx" }], nodeName: node, restartPolicy: "Always", ...spec },
      status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }] },
    });
    await this.host.createVm({ requestId: "", config: { ...config, ownerUid: pod.metadata.uid }, powerOn: true }, { authority: node });
    return pod;
  }

  /** Step 11. */
  async configure(n: number, pod: Pod): Promise<void> {
    const channel = openChannel({ address: this.spherelets.address });
    try {
      const request = { requestId: "", namespace: "default", name: pod.metadata.name, podUid: pod.metadata.uid, vmUuid: crxSpec(n).uuid, podJson: Buffer.from(JSON.stringify(pod)) };
      await channel.client(SphereletServiceClient).configurePod(request, { authority: pod.spec.nodeName ?? "" });
    } finally {
      channel.close();
    }
  }

  pod(n: number): Pod | undefined {
    return this.cluster.peek(podType, { namespace: "default", name: `web-${n}` });
  }

  isReady(n: number): boolean {
    return this.pod(n)?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
  }

  restartCount(n: number): number | undefined {
    return this.pod(n)?.status?.containerStatuses?.[0]?.restartCount;
  }

  getVm(n: number, authority: string): Promise<HostVm> {
    return this.host.getVm({ vm: vmKey(n) }, { authority });
  }


  /** States of the pod's containers as its agent has them. */
  async containers(n: number): Promise<readonly (string | undefined)[]> {
    const channel = openChannel({ address: this.crx.address });
    try {
      const { containers } = await channel.client(AgentServiceClient).getPod({}, { authority: `${crxSpec(n).uuid}.crx.spheresim.test` });
      return containers.map(({ state }) => state?.$case);
    } finally {
      channel.close();
    }
  }

  node(name: string): Node | undefined {
    return this.cluster.peek(nodeType, { name });
  }

  /** When the host's Lease was renewed last. */
  renewTime(name: string): string | undefined {
    return this.cluster.peek(leases, { namespace: "kube-node-lease", name })?.spec?.renewTime;
  }

  /** Calls to the API server about an object whose path ends so, since `from`. */
  callsAbout(ending: string, from = 0): number {
    return this.cluster.calls.slice(from).filter(({ path }) => path.endsWith(ending)).length;
  }

  /** Lets both clocks go by in steps of half a second, with time for what they wake. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 500) {
      await this.clock.advance(500);
      await this.monotonic.advance(500);
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    }
  }

  /** Lets time go by until `check` holds. */
  async inTime(what: string, check: () => boolean, limitMs = 120_000): Promise<void> {
    for (let passedMs = 0; passedMs < limitMs; passedMs += 500) {
      for (let turn = 0; turn < 40; turn += 1) {
        if (check()) return;
        await nextTurn();
      }
      await this.pass(500);
    }
    throw new Error(`never: ${what}`);
  }
}

/** The n-th pod VM, for a call to HostD. */
export function vmKey(n: number): VmKey {
  return { key: { $case: "instanceUuid", value: crxSpec(n).instanceUuid } };
}
