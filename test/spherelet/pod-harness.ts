import { silentLogger } from "../../src/base/log.js";
import { ManualClock, nextTurn } from "../../src/base/clock.js";
import { Dice } from "../../src/base/seeded-random.js";
import type { CrxInstance } from "../../src/crx/crx-instance.js";
import { Machine } from "../../src/crx/machine.js";
import { ProfileRuntime } from "../../src/crx/runtime/profile-runtime.js";
import type { PodContainers, StartPodRequest } from "../../src/gen/spheresim/crx/v1/agent.js";
import { Personality } from "../../src/gen/spheresim/hostd/v1/host.js";
import { VirtualMachineConfigSpec } from "../../src/gen/spheresim/vim/v1/virtual_machine.js";
import { findCondition, withCondition } from "../../src/kubernetes/condition.js";
import type { ContainerStatus } from "../../src/kubernetes/container.js";
import type { Pod, PodSpec } from "../../src/kubernetes/pod.js";
import { qosClassOf } from "../../src/kubernetes/qos-class.js";
import { formerLifeOf } from "../../src/spherelet/pods/former-life.js";
import { readHosts } from "../../src/spherelet/node/host.js";
import type { HostContext } from "../../src/spherelet/node/host-context.js";
import type { ConfigMap, Image } from "../../src/kubernetes/cluster-objects.js";
import { imageProfilesNews } from "../../src/spherelet/images/image-profiles.js";
import { ImageWait } from "../../src/spherelet/images/image-wait.js";
import { PodEvents } from "../../src/spherelet/status/pod-events.js";
import { ActiveDeadline, deadlineExceeded } from "../../src/spherelet/pods/active-deadline.js";
import { Gate } from "../../src/spherelet/node/gate.js";
import { HeldContainers } from "../../src/spherelet/pods/held-containers.js";
import { graceSecondsOf } from "../../src/spherelet/pods/pod-grace.js";
import { isCurrent, podStatusOf } from "../../src/spherelet/status/pod-status.js";
import { buildStartRequest } from "../../src/spherelet/spec/start-request.js";
import type { WalkedPod } from "./pod-walk.js";

const START_MS = Date.UTC(2026, 0, 1);
const UUID = "420d0000-0000-4000-8000-000000000001";
const UID = "6f1c0000-0000-4000-8000-000000000001";
const host = readHosts([{ name: "esxi-01.spheresim.test", cores: 4, memoryMb: 8192 }], "127.0.0.1").get("esxi-01.spheresim.test")!;

/**
 * One pod with the real agent inside its VM and the real status and events of its Spherelet, without sockets, on a clock of its own. What
 * the API server would hold is `pod`; what users would see happen is `lines`.
 */
export class PodHarness implements WalkedPod {
  readonly clock = new ManualClock(START_MS);
  /** `+10s web: running, started, not ready`, `+10s Warning Unhealthy web: Readiness probe failed: ...`. */
  /** When each container was last told each text. */
  readonly #toldMs = new Map<string, number>();
  readonly lines: string[] = [];
  pod: Pod;
  readonly #machine: Machine;
  readonly #events: PodEvents;
  readonly #deadline: ActiveDeadline;
  #isEnding = false;
  #isOverdue = false;
  #powerOnCount = 0;
  #seen: PodContainers | undefined;
  #ended: PodContainers | undefined;
  #stopped = false;
  #shown = "";
  #watching = true;
  readonly #imageWait: ImageWait;
  readonly #held: HeldContainers;
  readonly #configMaps = new Map<string, ConfigMap>();
  /** The Image of container `web`; undefined where nobody has resolved any. */
  #image: Image | undefined;
  #imageChanged: () => void = () => undefined;

  /** `imageError`: what the first try to resolve the image of container `web` ended with. */
  constructor(spec: Partial<PodSpec>, annotations: Readonly<Record<string, string>> = {}, imageError?: string) {
    const names = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].map(({ name }) => [name, name === "web" ? "nginx-0a-v1" : "other-0b-v1"] as const);
    const references = imageError === undefined ? {} : { "vmware-system-image-references": JSON.stringify(Object.fromEntries(names)) };
    this.pod = {
      metadata: { name: "web", namespace: "default", uid: UID, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z", annotations: { ...annotations, ...references } },
      spec: { containers: [{ name: "web", image: "nginx" }], enableServiceLinks: false, nodeName: host.name, ...spec },
    };
    this.#machine = new Machine({
      clock: this.clock,
      log: silentLogger,
      dice: new Dice(1),
      durations: { initMs: 0, agentMs: 0 },
      runtime: new ProfileRuntime(this.clock, 0),
      agentAddress: () => "127.0.0.1:9",
    });
    this.#events = new PodEvents({
      record: (_pod, type, reason, message, reference) => {
        const container = /\{(.*)\}/.exec(reference?.fieldPath ?? "")?.[1] ?? "";
        // Told again while it waits, every 10 to 15 s as chance draws, it raises the count of what is told.
        const nowMs = this.clock.nowMs();
        const since = nowMs - (this.#toldMs.get(`${container} ${message}`) ?? Number.NEGATIVE_INFINITY);
        this.#toldMs.set(`${container} ${message}`, nowMs);
        if (since >= 10_000 && since <= 15_000 && /^Back-off |^Error: ImagePullBackOff$/.test(message) && new RegExp(`${container} waiting (CrashLoop|ImagePull)BackOff`).test(this.#shown)) return;
        this.lines.push(`${this.#time()} ${type} ${reason}${container === "" ? "" : ` ${container}`}: ${message}`);
      },
    });
    this.#deadline = new ActiveDeadline(this.clock, () => void this.#endInTime());
    const images: HostContext["images"] = {
      get: (_namespace, name) => (name === "nginx-0a-v1" ? this.#image : undefined),
      onChange: (_namespace, _names, wake) => {
        this.#imageChanged = wake;
        return () => undefined;
      },
    };
    const context: Pick<HostContext, "clock" | "monotonic" | "images" | "events"> = { clock: this.clock, monotonic: new ManualClock(), images, events: this.#events };
    this.#imageWait = new ImageWait(context as HostContext, new Dice(1), () => void this.#startContainers(), () => this.#look());
    if (imageError !== undefined) this.#image = imageWith("Failed", imageError, 1);
    this.#held = new HeldContainers({
      monotonic: this.clock,
      startGate: new Gate(1),
      tell: (container, reason, message) => this.#events.held(this.pod, container, reason, message),
      retry: async () => void (await this.#instance?.startPod(await this.#request())),
    });
    void this.#watch();
  }

  /** The next try to resolve the image has ended: with this, or well. */
  async resolveImage(error?: string): Promise<void> {
    this.#image = error === undefined ? imageWith("Ready") : imageWith("Failed", error, (this.#image?.status?.failures ?? 0) + 1);
    this.#imageChanged();
    await this.settle();
  }

  /** Boots the VM and has the pod started; what it had been before counts. */
  async boot(): Promise<void> {
    this.#powerOnCount += 1;
    const guest = { uuid: UUID, powerOnCount: this.#powerOnCount };
    const say = (): void => undefined;
    this.#machine.obey({ message: { $case: "boot", value: { guest, kernel: "photon-crx", hostName: host.name, config: VirtualMachineConfigSpec.create({ uuid: UUID }) } } }, say);
    await nextTurn();
    this.#machine.obey({ message: { $case: "personality", value: { guest, personality: Personality.create({ podUid: UID, name: "web" }) } } }, say);
    await nextTurn();
    const former = formerLifeOf(this.pod, this.clock.nowMs());
    this.#seen = undefined;
    this.#ended = former.ended;
    if (former.ended === undefined && this.pod.status?.phase !== "Failed" && this.pod.status?.phase !== "Succeeded") await this.#startContainers();
    await this.settle();
  }

  async #startContainers(): Promise<void> {
    if (!this.#imageWait.ready(this.pod)) return;
    this.#imageWait.announce(this.pod);
    void this.#instance?.startPod(await this.#request()).catch(() => undefined);
  }

  #request(): Promise<StartPodRequest> {
    const former = formerLifeOf(this.pod, this.clock.nowMs());
    const source = { configMap: (_namespace: string, name: string) => Promise.resolve(this.#configMaps.get(name)), secret: () => Promise.resolve(undefined), services: () => [] };
    return buildStartRequest({ pod: this.pod, host, podIp: "10.244.0.7" }, source, former.restartCounts, former.finished);
  }

  /** Somebody makes a ConfigMap of that name, in which `key` is `value`. */
  async makeConfigMap(name: string): Promise<void> {
    this.#configMaps.set(name, { metadata: { name, namespace: "default", uid: "0c", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" }, data: { key: "value" } });
    await this.settle();
  }

  async powerLoss(): Promise<void> {
    this.lines.push(`${this.#time()} the VM loses power`);
    this.#machine.obey({ message: { $case: "kill", value: { guest: { uuid: UUID, powerOnCount: this.#powerOnCount } } } }, () => undefined);
    await this.settle();
  }

  /** The VM loses power and boots again. */
  async losePower(): Promise<void> {
    await this.powerLoss();
    await this.boot();
  }

  /** Guests live on without their host's daemon, and here is none. */
  restartHostd(): Promise<void> {
    return this.settle();
  }

  settled(check: () => void): Promise<void> {
    check();
    return Promise.resolve();
  }

  readonly tellsAll = true;

  get startsTold(): number {
    return this.lines.filter((line) => / Normal Started /.test(line)).length;
  }

  get waiting(): number {
    return this.clock.waiting;
  }

  /** A new Spherelet knows nothing but what API server and agent say. */
  async restartSpherelet(): Promise<void> {
    this.#seen = this.#instance?.pod();
    await this.settle();
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.settle();
  }

  /** The pod is deleted: grace of the call, else of its spec. Time goes on until all have ended. */
  async delete(graceSeconds?: number): Promise<void> {
    const deletionGracePeriodSeconds = graceSeconds ?? graceSecondsOf(this.pod);
    this.pod = { ...this.pod, metadata: { ...this.pod.metadata, deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds } };
    this.lines.push(`${this.#time()} deleted, grace ${deletionGracePeriodSeconds} s`);
    const instance = this.#instance;
    if (instance === undefined) return;
    let done = false;
    const stop = instance.stopPod(UID, deletionGracePeriodSeconds * 1000).then((containers) => {
      this.#ended = containers;
      this.#stopped = true;
      done = true;
    });
    await this.clock.advance(0);
    for (let ms = 0; !done && ms < (deletionGracePeriodSeconds + 5) * 1000; ms += 500) await this.clock.advance(500);
    await stop;
    await this.settle();
  }

  /** Everything that is under way now has shown. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    this.#look();
  }

  /** `PodReadyToStartContainers, Initialized, not ContainersReady (ContainersNotReady), ...`: the conditions as they stand, in their order. */
  conditions(): void {
    const told = (this.pod.status?.conditions ?? []).map(({ type, status, reason, message }) => `${status === "True" ? "" : "not "}${type}${reason === undefined ? "" : ` (${reason}${message === undefined ? "" : `: ${message}`})`}`);
    this.lines.push(`${this.#time()} ${told.join(", ")}`);
  }

  /** What the status says beyond states: the class, which the API server writes at once, and what each container has. */
  given(): void {
    this.lines.push(`${this.#time()} QoS ${qosClassOf(this.pod.spec)}`);
    for (const { name, allocatedResources, resources, volumeMounts } of this.pod.status?.containerStatuses ?? []) this.lines.push(`${this.#time()} ${name} ${JSON.stringify({ allocatedResources, resources, volumeMounts })}`);
  }

  async close(): Promise<void> {
    this.#watching = false;
    this.#deadline.forget();
    this.#imageWait.leave();
    this.#held.leave();
    this.#machine.powerDown();
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  }

  get #instance(): CrxInstance | undefined {
    return this.#machine.instance(UUID);
  }

  async #endInTime(): Promise<void> {
    this.#isEnding = true;
    this.#events.deadlineExceeded(this.pod);
    this.#ended = await this.#instance?.stopPod(UID, graceSecondsOf(this.pod) * 1000);
    this.#stopped = true;
    this.#isOverdue = true;
    this.#look();
  }

  async #watch(): Promise<void> {
    let revision = 0n;
    while (this.#watching) {
      await this.#machine.changes.wait(revision, new AbortController().signal);
      ({ revision } = this.#machine.changes);
      this.#look();
    }
  }

  /** One round of the pod's worker: events, then the status. */
  #look(): void {
    if (!this.#watching) return;
    const instance = this.#instance;
    const now = instance?.hasAgent === true ? instance.pod() : undefined;
    const isLeaving = this.#isEnding || this.pod.metadata.deletionTimestamp !== undefined;
    const containers = this.#ended ?? (now?.podUid === UID ? now : undefined);
    if (containers !== undefined && this.#ended !== containers) this.#events.containersChanged(this.pod, this.#seen, containers);
    if (containers !== undefined) this.#seen = containers;
    if (containers !== undefined && !isLeaving && this.#ended === undefined) this.#held.look(containers);
    else this.#held.leave();
    const isOver = this.pod.status?.phase === "Failed" || this.pod.status?.phase === "Succeeded";
    const runs = [...(containers?.initContainers ?? []), ...(containers?.containers ?? [])].some(({ state }) => state?.$case === "running");
    if (isOver || (isLeaving && !this.#stopped && !runs)) return;
    const status = podStatusOf({ pod: this.pod, hostIp: "127.0.0.1", podIp: "10.244.0.7", containers, waiting: this.#imageWait.reasons(this.pod), trouble: this.#isOverdue ? deadlineExceeded : undefined, stopped: this.#stopped, nowMs: this.clock.nowMs() });
    if (isCurrent(this.pod.status, status)) return;
    let conditions = this.pod.status?.conditions ?? [];
    for (const condition of status.conditions) conditions = withCondition(conditions, condition);
    const { reason, message: __, ...kept } = status;
    const annotations = { ...this.pod.metadata.annotations, ...imageProfilesNews(this.pod, containers) };
    this.pod = { ...this.pod, metadata: { ...this.pod.metadata, annotations }, status: { ...kept, ...(reason === null ? {} : { reason }), conditions } };
    if (!this.#isEnding) this.#deadline.watch(this.pod);
    const told = this.describe();
    if (told !== this.#shown) this.lines.push(`${this.#time()} ${told}`);
    this.#shown = told;
  }

  /** `Running, not ready: web running not-ready; side waiting CrashLoopBackOff, restarts 2`. */
  describe(): string {
    const { phase, reason, conditions, initContainerStatuses = [], containerStatuses = [] } = this.pod.status ?? {};
    const isReady = findCondition(conditions, "Ready")?.status === "True";
    return `${phase}${reason === undefined ? "" : ` (${reason})`}${isReady ? ", ready" : ""}: ${[...initContainerStatuses, ...containerStatuses].map(words).join("; ")}`;
  }

  #time(): string {
    return `+${(this.clock.nowMs() - START_MS) / 1000}s`;
  }
}

function imageWith(phase: "Failed" | "Ready", message?: string, failures?: number): Image {
  const status = { phase, ...(message === undefined ? {} : { message }), ...(failures === undefined ? {} : { failures }) };
  return { metadata: { name: "nginx-0a-v1", namespace: "default", uid: "0a", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" }, spec: { reference: "nginx" }, status };
}

function words({ name, state, ready, started, restartCount }: ContainerStatus): string {
  const told = state?.running !== undefined ? `running${started === true ? "" : " not started"}${ready ? " ready" : ""}` : state?.terminated === undefined ? `waiting ${state?.waiting?.reason}` : `${state.terminated.reason} ${state.terminated.exitCode}${ready ? " ready" : ""}`;
  return `${name} ${told}${restartCount > 0 ? ` x${restartCount}` : ""}`;
}
