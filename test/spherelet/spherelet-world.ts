import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ManualClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/log.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { StepRecord } from "../../src/gen/spheresim/emulator/v1/journal.js";
import type { ConfigurePodState } from "../../src/gen/spheresim/spherelet/v1/pod.js";
import { SphereletServiceClient } from "../../src/gen/spheresim/spherelet/v1/spherelet_service.js";
import type { Event } from "../../src/kubernetes/cluster-objects.js";
import { findCondition } from "../../src/kubernetes/condition.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import { events as eventType, pods as podType } from "../../src/kubernetes/resource-type.js";
import { lifecycleFinalizer, vmUuidOf } from "../../src/kubernetes/vsphere-pod.js";
import { openChannel } from "../../src/rpc/channel.js";
import { startSpherelets, type Spherelets } from "../../src/spherelet/index.js";
import { startFakeAgents, type FakeAgents } from "../support/fake-agents.js";
import { startFakeApiServer, type FakeApiServer } from "../support/fake-api-server.js";
import { eventually } from "../support/eventually.js";
import { FakeCluster } from "../support/fake-cluster.js";
import { startFakeHostD, type FakeHostD } from "../support/fake-hostd.js";

export const HOST = "esxi-01.spheresim.test";
export const OTHER_HOST = "esxi-02.spheresim.test";
export const START_MS = Date.UTC(2026, 0, 1);

/** Two hosts' Spherelets with everything around them, each behind a real socket. */
export interface SphereletWorld {
  readonly clock: ManualClock;
  readonly monotonic: ManualClock;
  readonly cluster: FakeCluster;
  readonly apiserver: FakeApiServer;
  readonly hostd: FakeHostD;
  agents: FakeAgents;
  spherelets: Spherelets;
  readonly steps: StepRecord[];
  /** Stores a pod that is bound to HOST, with its VM on the host and in its annotations, as step 10 leaves it. */
  createPod(name: string, spec?: Partial<PodSpec>, options?: { readonly annotations?: Record<string, string>; readonly vm?: boolean; readonly node?: string }): Promise<Pod>;
  /** Step 11. */
  configure(pod: Pod, over?: { readonly podUid?: string; readonly vmUuid?: string; readonly host?: string; readonly podJson?: Buffer }): Promise<ConfigurePodState>;
  pod(name: string): Pod | undefined;
  statusPatches(name: string): number;
  /** Reasons of the pod's events in order, after those under way were written. */
  events(name: string): readonly Event[];
  /** A new Spherelet process. */
  restart(): Promise<void>;
}

/** Sockets this process holds open. */
const sockets = (): number => process.getActiveResourcesInfo().filter((what) => what.startsWith("TCP")).length;

/** Runs `work` in a world of its own and takes it down; nothing of it may be left: no timer, no stream, no socket. */
export async function withSpherelets(work: (world: SphereletWorld) => Promise<void>): Promise<void> {
  const socketsBefore = sockets();
  const clock = new ManualClock(START_MS);
  const monotonic = new ManualClock();
  const dice = new Dice("world");
  const cluster = new FakeCluster(clock);
  const apiserver = await startFakeApiServer(cluster);
  const steps: StepRecord[] = [];
  const open: (() => Promise<void>)[] = [() => apiserver.close()];
  let lives = 0;
  const start = (): Promise<Spherelets> =>
    startSpherelets({
      hosts: [
        { name: HOST, cores: 16, memoryMb: 65_536, labels: { "topology.kubernetes.io/zone": "a" } },
        { name: OTHER_HOST, cores: 16, memoryMb: 65_536 },
      ],
      apiserver: { server: apiserver.url },
      hostdAddress: hostd.address,
      log: silentLogger,
      clock,
      monotonic,
      dice: dice.fork(`spherelet/${(lives += 1)}`),
      recorder: { record: (step) => void steps.push(step) },
    });
  const agents = await startFakeAgents(clock);
  open.unshift(() => world.agents.close());
  const hostd = await startFakeHostD(agents.address, (uuid) => world.agents.boot(uuid));
  open.unshift(() => hostd.close());
  const spherelets = await start();
  open.unshift(() => world.spherelets.close());
  const world: SphereletWorld = {
    clock,
    monotonic,
    cluster,
    apiserver,
    hostd,
    agents,
    spherelets,
    steps,
    async createPod(name, spec = {}, { annotations = {}, vm = true, node = HOST } = {}) {
      const vmUuid = dice.uuid();
      const pod = await cluster.create(podType, {
        metadata: {
          name,
          namespace: "default",
          annotations: { mac: "04:50:56:00:00:01", vlan: "None", attachment_id: "port-1", "spheresim.dev/pod-ip": "10.244.0.7", ...(vm ? { "vmware-system-vm-uuid": vmUuid } : {}), ...annotations },
          ...(vm ? { finalizers: [lifecycleFinalizer] } : {}),
        },
        spec: { containers: [{ name: "web", image: "nginx" }], nodeName: node, restartPolicy: "Always", ...spec },
        status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }] },
      });
      if (vm) hostd.addVm(vmUuid, pod.metadata.uid);
      return pod;
    },
    async configure(pod, over = {}) {
      const channel = openChannel({ address: world.spherelets.address });
      try {
        const client = channel.client(SphereletServiceClient);
        const request = {
          requestId: "",
          namespace: "default",
          name: pod.metadata.name,
          podUid: over.podUid ?? pod.metadata.uid,
          vmUuid: over.vmUuid ?? vmUuidOf(pod) ?? dice.uuid(),
          podJson: over.podJson ?? Buffer.from(JSON.stringify(pod)),
        };
        return (await client.configurePod(request, { authority: over.host ?? HOST })).state;
      } finally {
        channel.close();
      }
    },
    pod: (name) => cluster.peek(podType, { namespace: "default", name }),
    statusPatches: (name) => cluster.calls.filter((call) => call.verb === "patch" && call.path === `/api/v1/namespaces/default/pods/${name}/status`).length,
    events: (name) => cluster.peekAll(eventType).filter((event) => event.involvedObject.name === name),
    async restart() {
      await world.spherelets.close();
      world.spherelets = await start();
    },
  };
  try {
    // What is there before the first list counts as recovered.
    await eventually("pods are watched", () => cluster.calls.some(({ verb, path }) => verb === "watch" && path === "/api/v1/pods"));
    await work(world);
  } catch (error) {
    await takeDown(open, clock, monotonic);
    throw error;
  }
  await world.spherelets.close();
  assert.deepEqual({ emulated: clock.waiting, monotonic: monotonic.waiting }, { emulated: 0, monotonic: 0 }, "timers that are left");
  await eventually("no stream is open", () => world.agents.streams + hostd.streams === 0);
  for (const close of open) await close();
  await eventually("no socket is open", () => sockets() <= socketsBefore);
}

/** After a failure, when calls may be held up that only time ends: time goes on until all is closed. */
async function takeDown(open: readonly (() => Promise<void>)[], clock: ManualClock, monotonic: ManualClock): Promise<void> {
  let closed = false;
  const closing = (async () => {
    for (const close of open) await close();
  })().finally(() => (closed = true));
  await eventually("what a failed test left is closed", async () => {
    await monotonic.advance(1_000);
    await clock.advance(1_000);
    return closed;
  });
  await closing;
}

/** Lets time go by on both clocks, in small steps, until `check` holds; for what takes retries. */
export async function inTime(world: SphereletWorld, what: string, check: () => boolean, limitMs = 120_000): Promise<void> {
  for (let passedMs = 0; passedMs < limitMs; passedMs += 500) {
    for (let turn = 0; turn < 20; turn += 1) {
      if (check()) return;
      await nextTurn();
    }
    await world.monotonic.advance(500);
    await world.clock.advance(500);
  }
  throw new Error(`never: ${what}`);
}

export function isReady(pod: Pod | undefined): boolean {
  return findCondition(pod?.status?.conditions, "Ready")?.status === "True";
}

/** Creates a pod with its VM, has it configured, and waits until it is Ready. */
export async function runPod(world: SphereletWorld, name: string, spec?: Parameters<SphereletWorld["createPod"]>[1]): Promise<Pod> {
  const pod = await world.createPod(name, spec);
  await world.configure(pod);
  return eventually(`${name} is ready`, () => (isReady(world.pod(name)) ? world.pod(name) : undefined));
}
